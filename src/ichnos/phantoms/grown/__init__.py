"""A second family of phantoms that shares no code with the first: painted labels, grown bleeds, a projected scan."""
