"""What happened: the audit chain, the one writer of a state, and the jobs an act leaves behind.

Every act of every other package ends here, in the act's own transaction. Imports models and rules only.
"""
