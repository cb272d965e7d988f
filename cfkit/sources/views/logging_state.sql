-- What is known now: the last look at each distribution and kind.
select * from logging_history where until is null
