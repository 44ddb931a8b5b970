"""Update rules; learning rate and weight decay are set per step from the timetable."""
