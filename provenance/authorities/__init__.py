"""Who else hears of a stamp. A stamp is complete without them: it never waits for one and never fails by one."""
