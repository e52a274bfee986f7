"""``psictl install``: the programs, their users, folders and units, and Podman's driver commands.

A new version is made beside the present one and comes into force by the rename of one link;
what fails before leaves the old, what is cut off after is finished by the next run.
"""
