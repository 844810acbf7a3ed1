"""China's working days: the published calendar, its files, and counting with it."""
