"""Who somebody is: accounts, sign-in, passkeys, checks of identity, sponsors, and what a person signs.

Knows nothing of cohorts or of the work that is graded in them.
"""
