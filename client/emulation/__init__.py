"""Links made for measuring: two network namespaces, what lies between them, what passes."""
