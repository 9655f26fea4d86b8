"""Zones and freeze windows against Python's zoneinfo: zones.py PROGRAM (built from zones.c).

Every zone of the system, at random instants and around each change of its offset; and windows,
found minute by minute, in weeks with and without a change of the clock.
"""
import bisect
import datetime
import random
import subprocess
import sys
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -2 * 10**9, 4 * 10**9  # 1906 to 2096: beyond any table's end
SCHEDULES = [
    ("30 2 * * *", 3600), ("0 0 * * *", 7200), ("0 18 * * 5", 223200), ("*/20 * * * *", 600),
    ("*/20 */2 * * *", 600), ("15 1-3 * * *", 1800), ("0 3 1,15 * 1", 90000), ("5 4 */10 3,OCT-NOV *", 60),
    ("0 12 * * SUN", 86400), ("0 12 * * 7", 86400), ("0 12 * * 5-7", 600), ("59 23 31 * *", 120),
    ("30 23 * * 6", 200000), ("59 23 * * SAT,3", 90000), ("0 1 * * 6-7", 100000), ("30 0 * * *", 3600), ("45 1 * * *", 4000),
]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Africa/Cairo",
         "Asia/Kolkata", "Africa/Casablanca", "America/Nuuk", "Europe/Dublin", "Pacific/Apia", "UTC",
         "America/Havana", "Asia/Beirut"]
NAMES = {name: i for i, name in enumerate("SUN MON TUE WED THU FRI SAT".split())}
NAMES |= {name: i + 1 for i, name in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}


def offset(zone, second):
    return int((EPOCH + datetime.timedelta(seconds=second)).astimezone(zone).utcoffset().total_seconds())


def changes(zone):
    """The instants at which the offset changes, found by halving weeks."""
    found, step = [], 7 * 86400
    at, has = 10**9, offset(zone, 10**9)  # 2001
    while at < LAST:
        now = offset(zone, at + step)
        if now != has:
            low, high = at, at + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == has else (low, middle)
            found.append(high)
        at, has = at + step, now
    return found


class Program:
    def __init__(self, path):
        self.path, self.lines, self.want = path, [], []

    def ask(self, want, *fields):
        self.lines.append("\t".join(map(str, fields)))
        self.want.append(str(want))

    def check(self):
        got = subprocess.run([self.path], input="\n".join(self.lines) + "\n", text=True, check=True,
                             stdout=subprocess.PIPE).stdout.splitlines()
        wrong = [(q, w, g) for q, w, g in zip(self.lines, self.want, got) if w != g]
        for question, want, answer in wrong[:20]:
            print(f"{question!r}: wanted {want}, got {answer}")
        print(f"{len(self.lines)} questions, {len(wrong)} wrong answers")
        return not wrong and len(got) == len(self.want)


def values(text, low, high):
    named = set()
    for item in text.split(","):
        item, _, step = item.partition("/")
        first, _, last = item.partition("-")
        number = lambda s: NAMES[s] if s in NAMES else int(s)
        first, last = (low, high) if item == "*" else (number(first), number(last or first))
        named |= set(range(first, last + 1, int(step or 1)))
    return named


def matcher(schedule):
    minute, hour, day, month, weekday = schedule.split()
    minutes, hours, days = values(minute, 0, 59), values(hour, 0, 23), values(day, 1, 31)
    months, weekdays = values(month, 1, 12), {n % 7 for n in values(weekday, 0, 6)}

    def begins(local):
        by_day, by_weekday = local.day in days, local.isoweekday() % 7 in weekdays
        good = by_day and by_weekday if "*" in (day, weekday) else by_day or by_weekday
        return (local.minute in minutes and local.hour in hours and local.month in months and good
                and (hour == "*" or not local.fold))
    return begins


def left_out(local):
    """(i, minutes): what the clock did not show just before local[i]."""
    one, gaps = datetime.timedelta(minutes=1), []
    for i in range(1, len(local)):
        before, at = local[i - 1].replace(tzinfo=None), local[i].replace(tzinfo=None)
        if at - before > one:
            gaps.append((i, [before + one * k for k in range(1, (at - before) // one)]))
    return gaps


def ask_freezes(program, chance, zone_name):
    zone = zoneinfo.ZoneInfo(zone_name)
    turns = [t for t in changes(zone) if 1.7e9 < t < 1.9e9]
    for week in chance.sample(turns, min(len(turns), 3)) + [1_780_000_000]:
        begin = week // 60 * 60 - 35 * 86400
        local = [(EPOCH + datetime.timedelta(seconds=begin + 60 * i)).astimezone(zone) for i in range(60 * 24 * 45)]
        gaps = left_out(local)
        for schedule, duration in SCHEDULES:
            begins = matcher(schedule)
            starts = {begin + 60 * i for i, at in enumerate(local) if begins(at)}
            if schedule.split()[1] != "*":
                starts |= {begin + 60 * i for i, minutes in gaps if any(map(begins, minutes))}
            starts = sorted(starts)
            for _ in range(12):
                now = ask_at = week + chance.randrange(-3 * 86400, 4 * 86400)
                while (i := bisect.bisect_right(starts, now)) and starts[i - 1] + duration > now:
                    now = starts[i - 1] + duration
                if now > begin + 44 * 86400:  # it goes on beyond what was looked at
                    continue
                program.ask(now * 1000 if now > ask_at else "-", "freeze", zone_name, ask_at * 1000, duration, schedule)


def main():
    program, chance = Program(sys.argv[1]), random.Random(1)
    for name in sorted(zoneinfo.available_timezones()):
        if name.startswith(("posix", "right", "localtime", "Factory")):
            continue
        zone = zoneinfo.ZoneInfo(name)
        for second in [chance.randrange(FIRST, LAST) for _ in range(40)]:
            program.ask(offset(zone, second), "at", name, second * 1000)
    for name in ZONES:
        zone = zoneinfo.ZoneInfo(name)
        for turn in changes(zone):
            for second in (turn - 1, turn, turn + 1):
                program.ask(offset(zone, second), "at", name, second * 1000)
        ask_freezes(program, chance, name)
    sys.exit(not program.check())


main()
