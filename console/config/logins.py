"""Settings of two login roles of a database that take turns."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from console.config.shape import SecretReference, Section

LONGEST = 63
"""Bytes of a name that PostgreSQL keeps."""
RoleName = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class LoginSettings(Section):
    """`[environments.ENV.logins.NAME]`: what rotating the database password behind the variable NAME needs."""

    admin: SecretReference
    """Reference to the address of the same database, as a role that may make and alter both."""
    roles: tuple[RoleName, RoleName]
    """The two login roles; services have one of them at a time."""
    owner: str = Field("", max_length=LONGEST)
    """The role that both act as, and that owns what they make; empty takes what they act as already, else the first."""

    @field_validator("roles")
    @classmethod
    def _are_two(cls, roles: tuple[str, str]) -> tuple[str, str]:
        if roles[0] == roles[1]:
            raise ValueError("these are one role; it takes two that take turns")
        return roles
