"""What panes show, as rows of words: functions of values, without a terminal."""
