//gsoap t service name: Cases
//gsoap t service style: document
//gsoap t service encoding: literal
//gsoap t service namespace: urn:quanyu:foreign
//gsoap t service location: {address}
//gsoap t schema namespace: urn:quanyu:foreign
//gsoap t schema form: qualified
struct xsd__base64Binary { unsigned char *__ptr; int __size; };
struct t__Step { char *at 1; char *name 1; };
struct t__Case {
  @char *kind;
  char *number 1;
  char *state 1;
  char *appliedAt 1;
  char **title nullptr 1;
  int __sizestep;
  struct t__Step *step 0;
  struct xsd__base64Binary *paper 0;
};
struct t__Trouble { char *code; char *hint; };
struct SOAP_ENV__Detail { struct t__Trouble *t__trouble; int __type; void *fault; char *__any; };
struct t__getCaseResponse { struct t__Case *case_ 0; };
struct t__listCasesResponse { int __sizecase_; struct t__Case *case_ 0; };
int t__getCase(char *number, struct t__getCaseResponse *reply);
int t__listCases(char *holder, struct t__listCasesResponse *reply);
