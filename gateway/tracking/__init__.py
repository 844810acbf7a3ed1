"""What follows the progress of cases: working calendar, clocks, warnings.

Pure: events, limits, calendar and `now` come in as arguments, deadlines and cards go out. Only the files of the calendar
and of the warning rules are read. Times inside are whole seconds of Chongqing's own clock, see `calendar.moments`.
"""
