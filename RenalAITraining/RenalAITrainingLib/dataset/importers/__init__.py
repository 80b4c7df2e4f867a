"""Importers: other people's folders of labelled CTs, one file for each layout."""
