"""The workbench's own plug-ins: ordinary ones, found like anybody's."""
