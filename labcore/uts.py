"""UTS namespace: a host name of one's own. (notebook 01)"""

from . import syscalls
from .step import inside


def set_hostname(name):
    """Name this UTS namespace — sethostname(2)."""
    syscalls.sethostname(name)


def set_domainname(name):
    """Set the NIS domain name of this UTS namespace — setdomainname(2)."""
    syscalls.setdomainname(name)


def plan(spec):
    """The names that the configuration asks for."""
    if spec.get("hostname"):
        yield inside(set_hostname, name=spec["hostname"])
    if spec.get("domainname"):
        yield inside(set_domainname, name=spec["domainname"])
