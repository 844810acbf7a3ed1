"""Our gateway beside other people's GraphQL software, from npm: composers, planners, clients, audits."""
