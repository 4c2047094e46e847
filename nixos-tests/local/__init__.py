"""Runs the scenarios of `nixos-tests` on network namespaces instead of virtual machines.

Reading order: `table` (what a scenario needs), `host` (one set of namespaces that plays a host), `unit` (a service on
it), `machine` (what a script sees of it: a part of the NixOS test driver's interface), `timeline` (what happened when),
`world` (one scenario in namespaces of its own), `__main__` (chooses scenarios, runs worlds, counts).

Two processes take part in a run. `__main__` is an ordinary process and touches no network. Each world runs under
`unshare` in new user (without root), network, mount and process namespaces, as their first process: whatever ends it,
the kernel ends all hosts and services with it and takes away their links, bridge and mounts. There is nothing to tidy.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit("the scenarios need Python 3.11 or later")
