"""Every code that composition can report, with what it means: the table behind `docs/reference/composition.md`.

The names are the public ones of Apollo Federation, so that known documentation applies; the sentences are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ERROR_CODES", "HINT_CODES", "NEVER_REPORTED"]

ERROR_CODES: Mapping[str, str] = MappingProxyType(
    {
        "AUTH_REQUIREMENTS_APPLIED_ON_INTERFACE": "`@authenticated`, `@requiresScopes` or `@policy` stands on an interface or a field of one.",
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": "An argument is filled by `@fromContext` in one subgraph and required of clients in another.",
        "CONTEXT_INVALID_SELECTION": "The selection of a `@fromContext` gives no value of the argument's type.",
        "CONTEXT_NAME_INVALID": "A `@context` has a name that is not letters and digits.",
        "CONTEXT_NOT_SET": "A `@fromContext` reads a context that no type of its subgraph sets.",
        "CONTEXT_NO_RESOLVABLE_KEY": "A type with a `@fromContext` has no resolvable `@key`.",
        "COST_APPLIED_TO_INTERFACE_FIELD": "`@cost` stands on a field of an interface.",
        "DEFAULT_VALUE_USES_INACCESSIBLE": "The default of a visible argument or input field uses something `@inaccessible`.",
        "DIRECTIVE_COMPOSITION_ERROR": "A `@composeDirective` names a directive that cannot be composed, or subgraphs disagree about it.",
        "DIRECTIVE_DEFINITION_INVALID": "A subgraph defines one of federation's directives otherwise than the specification.",
        "DISALLOWED_INACCESSIBLE": "`@inaccessible` stands on an argument of a composed directive.",
        "EMPTY_MERGED_ENUM_TYPE": "An enum that is an input has no value that all subgraphs have.",
        "EMPTY_MERGED_INPUT_TYPE": "An input has no field that all subgraphs have.",
        "ENUM_VALUE_MISMATCH": "An enum that is input and output has a value that not all subgraphs have.",
        "EXTENSION_WITH_NO_BASE": "Federation 1: a type is extended that no subgraph defines.",
        "EXTERNAL_ARGUMENT_DEFAULT_MISMATCH": "An `@external` field has another default for an argument than the field it mentions.",
        "EXTERNAL_ARGUMENT_MISSING": "An `@external` field lacks an argument of the field it mentions.",
        "EXTERNAL_ARGUMENT_TYPE_MISMATCH": "An `@external` field has an argument of another type than the field it mentions.",
        "EXTERNAL_COLLISION_WITH_ANOTHER_DIRECTIVE": "A field is `@external` and has `@provides`. With `@override`, `@tag` and others the codes of those are told.",
        "EXTERNAL_MISSING_ON_BASE": "A field is `@external` in every subgraph that has it.",
        "EXTERNAL_ON_INTERFACE": "`@external` stands on a field of an interface.",
        "EXTERNAL_TYPE_MISMATCH": "An `@external` field has another type than the field it mentions.",
        "EXTERNAL_UNUSED": "An `@external` field is in no `@key`, `@requires` or `@provides` and no interface demands it.",
        "FIELD_ARGUMENT_DEFAULT_MISMATCH": "Subgraphs give an argument different defaults.",
        "FIELD_ARGUMENT_TYPE_MISMATCH": "Subgraphs give an argument types that do not fit.",
        "FIELD_TYPE_MISMATCH": "Subgraphs give a field types that do not fit.",
        "IMPLEMENTED_BY_INACCESSIBLE": "Something visible of an interface is `@inaccessible` in an implementation.",
        "INPUT_FIELD_DEFAULT_MISMATCH": "Subgraphs give an input field different defaults.",
        "INTERFACE_FIELD_NO_IMPLEM": "An implementation lacks a field that another subgraph gives its interface.",
        "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE": "A subgraph has a `@key` on an interface but does not know all implementations.",
        "INTERFACE_KEY_NOT_ON_IMPLEMENTATION": "A `@key` of an interface is not on one of its implementations.",
        "INTERFACE_OBJECT_USAGE_ERROR": "An `@interfaceObject` has no key, is no interface elsewhere, or stands beside an implementation.",
        "INVALID_FEDERATION_SUPERGRAPH": "A document that should be a supergraph is none, or its join directives cannot be read.",
        "INVALID_FIELD_SHARING": "Several subgraphs resolve a field, and not all mark it `@shareable`.",
        "INVALID_GRAPHQL": "The SDL is no valid GraphQL: syntax, unknown types or directives, wrong arguments, broken interfaces.",
        "INVALID_LINK_DIRECTIVE_USAGE": "A `@link` imports what the version does not have, twice, or in the wrong form.",
        "INVALID_LINK_IDENTIFIER": "The url or name of a `@link` cannot be one.",
        "INVALID_SHAREABLE_USAGE": "`@shareable` stands on a field of an interface, or twice on one definition.",
        "INVALID_SUBGRAPH_NAME": "A subgraph has no usable name, or the name of another.",
        "KEY_DIRECTIVE_IN_FIELDS_ARG": "The fields of a `@key` have a directive in them.",
        "KEY_FIELDS_HAS_ARGS": "The fields of a `@key` include one with arguments.",
        "KEY_FIELDS_SELECT_INVALID_TYPE": "The fields of a `@key` include an interface or a union.",
        "KEY_INVALID_FIELDS": "The fields of a `@key` cannot be parsed, are unknown, or have an alias.",
        "KEY_INVALID_FIELDS_TYPE": "The fields of a `@key` are no string.",
        "KEY_UNSUPPORTED_ON_INTERFACE": "A `@key` on an interface before federation v2.3.",
        "LINK_IMPORT_NAME_MISMATCH": "Subgraphs import a directive of the supergraph under different names.",
        "LIST_SIZE_APPLIED_TO_NON_LIST": "`@listSize` stands on a field that is no list and sizes none.",
        "LIST_SIZE_INVALID_ASSUMED_SIZE": "`@listSize(assumedSize:)` is negative.",
        "LIST_SIZE_INVALID_SIZED_FIELD": "`@listSize(sizedFields:)` names a field that does not exist or is no list.",
        "LIST_SIZE_INVALID_SLICING_ARGUMENT": "`@listSize(slicingArguments:)` names an argument that does not exist or is no Int.",
        "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL": "A directive that goes into the supergraph stands on an `@external` field.",
        "MISSING_TRANSITIVE_AUTH_REQUIREMENTS": "A field made from others by `@requires` or `@fromContext` demands less of callers than they do.",
        "NO_CONTEXT_IN_SELECTION": "A `@fromContext` names no context.",
        "NO_QUERIES": "No subgraph has a field on `Query`.",
        "ONLY_INACCESSIBLE_CHILDREN": "Everything in a visible type is `@inaccessible`.",
        "OVERRIDE_COLLISION_WITH_ANOTHER_DIRECTIVE": "`@override` meets `@external` on its field, or `@requires` or `@provides` where it takes the field from.",
        "OVERRIDE_FROM_SELF_ERROR": "A subgraph overrides its own field.",
        "OVERRIDE_LABEL_INVALID": "The label of an `@override` is neither a percentage nor a usable name.",
        "OVERRIDE_ON_INTERFACE": "`@override` stands on a field of an interface.",
        "OVERRIDE_SOURCE_HAS_OVERRIDE": "A field is overridden in a subgraph that overrides it itself.",
        "PROVIDES_DIRECTIVE_IN_FIELDS_ARG": "The fields of a `@provides` have a directive in them.",
        "PROVIDES_FIELDS_HAS_ARGS": "The fields of a `@provides` include one with arguments.",
        "PROVIDES_FIELDS_MISSING_EXTERNAL": "The fields of a `@provides` include one that is not `@external`.",
        "PROVIDES_INVALID_FIELDS": "The fields of a `@provides` cannot be parsed or are unknown.",
        "PROVIDES_INVALID_FIELDS_TYPE": "The fields of a `@provides` are no string.",
        "PROVIDES_ON_NON_OBJECT_FIELD": "A `@provides` stands on a field whose type has no fields.",
        "PROVIDES_UNSUPPORTED_ON_INTERFACE": "A `@provides` stands on a field of an interface.",
        "QUERY_ROOT_TYPE_INACCESSIBLE": "`Query` is `@inaccessible`.",
        "REFERENCED_INACCESSIBLE": "Something visible is of a type that is `@inaccessible`.",
        "REQUIRED_ARGUMENT_MISSING_IN_SOME_SUBGRAPH": "A required argument is missing in a subgraph.",
        "REQUIRED_INACCESSIBLE": "A required argument or input field is `@inaccessible`.",
        "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH": "A required input field is missing in a subgraph.",
        "REQUIRES_DIRECTIVE_IN_FIELDS_ARG": "The fields of a `@requires` have a directive in them.",
        "REQUIRES_FIELDS_MISSING_EXTERNAL": "The fields of a `@requires` include one that is not `@external`.",
        "REQUIRES_INVALID_FIELDS": "The fields of a `@requires` cannot be parsed or are unknown.",
        "REQUIRES_INVALID_FIELDS_TYPE": "The fields of a `@requires` are no string.",
        "REQUIRES_UNSUPPORTED_ON_INTERFACE": "A `@requires` stands on a field of an interface.",
        "ROOT_MUTATION_USED": "A type is called `Mutation` beside a mutation root of another name.",
        "ROOT_QUERY_USED": "A type is called `Query` beside a query root of another name.",
        "ROOT_SUBSCRIPTION_USED": "A type is called `Subscription` beside a subscription root of another name.",
        "SATISFIABILITY_ERROR": "A field cannot be reached from a place where clients can ask for it; the message has the query and the missing key.",
        "SHAREABLE_HAS_MISMATCHED_RUNTIME_TYPES": "The resolvers of a shared field return no type in common.",
        "TYPE_DEFINITION_INVALID": "A subgraph defines one of federation's types otherwise than the specification.",
        "TYPE_KIND_MISMATCH": "A type is not the same kind in all subgraphs.",
        "TYPE_WITH_ONLY_UNUSED_EXTERNAL": "Federation 1: a type has only `@external` fields that nothing uses.",
        "UNKNOWN_FEDERATION_LINK_VERSION": "A `@link` names a federation version that does not exist.",
        "UNKNOWN_LINK_VERSION": "A `@link` names a version of another specification that does not exist.",
        "UNSUPPORTED_FEATURE": "A schema uses Apollo Connectors (`@connect`, `@source`), which this gateway does not run.",
        "UNSUPPORTED_LINKED_FEATURE": "A supergraph links a specification for security or execution that is unknown here.",
    }
)

NEVER_REPORTED: Mapping[str, str] = MappingProxyType(
    {
        "DOWNSTREAM_SERVICE_ERROR": "It is an error of requests, not of composition.",
        "MAX_VALIDATION_SUBGRAPH_PATHS_EXCEEDED": "Reachability is checked without enumerating paths, so there is no limit to exceed.",
    }
)

HINT_CODES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "CONTEXTUAL_ARGUMENT_NOT_CONTEXTUAL_IN_ALL_SUBGRAPHS": (
            "INFO",
            "An argument is filled by `@fromContext` in one subgraph and never given in another.",
        ),
        "DIRECTIVE_COMPOSITION_INFO": (
            "INFO",
            "A `@composeDirective` can go, or a linked specification has different major versions.",
        ),
        "DIRECTIVE_COMPOSITION_WARN": (
            "WARN",
            "A composed directive has another name in a subgraph that does not compose it.",
        ),
        "FROM_SUBGRAPH_DOES_NOT_EXIST": ("WARN", "An `@override` names a subgraph that does not exist."),
        "IMPLICITLY_UPGRADED_FEDERATION_VERSION": (
            "INFO",
            "A linked specification needs a newer federation version, which is used for all.",
        ),
        "INCONSISTENT_ARGUMENT_PRESENCE": (
            "WARN",
            "An argument is left out of the API, because a subgraph lacks it.",
        ),
        "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE": (
            "INFO",
            "An argument is nullable in some subgraphs only.",
        ),
        "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE": (
            "INFO",
            "A field has differing types that one type holds.",
        ),
        "INCONSISTENT_DEFAULT_VALUE_PRESENCE": (
            "WARN",
            "A default is left out of the API, because a subgraph lacks it.",
        ),
        "INCONSISTENT_DESCRIPTION": (
            "WARN",
            "Subgraphs describe an element differently; the most frequent description is kept.",
        ),
        "INCONSISTENT_ENTITY": ("INFO", "A type has a `@key` in some subgraphs only."),
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM": (
            "WARN",
            "A value of an input enum is left out of the API, because a subgraph lacks it.",
        ),
        "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM": ("DEBUG", "A subgraph lacks a value of an output enum."),
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_LOCATIONS": (
            "WARN",
            "A directive for operations has different locations; the common ones are kept.",
        ),
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_PRESENCE": (
            "WARN",
            "A directive for operations is left out of the API, because a subgraph lacks it.",
        ),
        "INCONSISTENT_EXECUTABLE_DIRECTIVE_REPEATABLE": (
            "WARN",
            "A directive for operations is repeatable in some subgraphs only.",
        ),
        "INCONSISTENT_INPUT_OBJECT_FIELD": (
            "WARN",
            "An input field is left out of the API, because a subgraph lacks it.",
        ),
        "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD": (
            "DEBUG",
            "A subgraph lacks a field of an interface without keys.",
        ),
        "INCONSISTENT_NON_REPEATABLE_DIRECTIVE_ARGUMENTS": (
            "WARN",
            "A directive that cannot repeat differs between subgraphs; the most frequent is kept.",
        ),
        "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD": (
            "DEBUG",
            "A subgraph lacks a field of an object without keys.",
        ),
        "INCONSISTENT_RUNTIME_TYPES_FOR_SHAREABLE_RETURN": (
            "WARN",
            "The resolvers of a shared field do not return the same types.",
        ),
        "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_LOCATIONS": (
            "DEBUG",
            "A composed directive has different locations; all are kept.",
        ),
        "INCONSISTENT_TYPE_SYSTEM_DIRECTIVE_REPEATABLE": (
            "DEBUG",
            "A composed directive is repeatable in some subgraphs only; it is in the supergraph.",
        ),
        "INCONSISTENT_UNION_MEMBER": ("DEBUG", "A subgraph lacks a member of a union."),
        "MERGED_NON_REPEATABLE_DIRECTIVE_ARGUMENTS": (
            "INFO",
            "A directive differs between subgraphs; its arguments are merged.",
        ),
        "NO_EXECUTABLE_DIRECTIVE_INTERSECTION": (
            "WARN",
            "A directive for operations is left out of the API: no location is common to all subgraphs.",
        ),
        "OVERRIDDEN_FIELD_CAN_BE_REMOVED": (
            "INFO",
            "A field is overridden and can be taken out of the subgraph it was in.",
        ),
        "OVERRIDE_DIRECTIVE_CAN_BE_REMOVED": (
            "INFO",
            "An `@override` takes a field from a subgraph that does not resolve it any more.",
        ),
        "OVERRIDE_MIGRATION_IN_PROGRESS": ("INFO", "A field moves to another subgraph while a label holds."),
        "UNUSED_ENUM_TYPE": ("DEBUG", "An enum is used nowhere."),
    }
)
