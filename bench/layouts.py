#!/usr/bin/env python3
"""Runs the benchmarks, each program in all its code layouts, and prints one table: the median over
the layouts of each pair's ratio, and between which bounds it moved.

    layouts.py [--rounds N] PROGRAM...

A program is named NAME-LAYOUT. The layouts of one run in turn, N times, so that what else the
machine does meanwhile disturbs all of them alike.
"""
import argparse
import re
import statistics
import subprocess
import sys


def rows_of(program):
    """One run: (name, limit ns, vmsig ns, ratio, goal) of each pair."""
    done = subprocess.run([program, "--plain"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{program} failed:\n{done.stderr}")
    for line in done.stdout.splitlines():
        name, *numbers = line.split("\t")
        yield name, *map(float, numbers)


def measure(programs, rounds):
    """By pair: the goal and, by program, what each round gave."""
    seen = {}
    for _ in range(rounds):
        for program in programs:
            for name, limit, ours, ratio, goal in rows_of(program):
                pair = seen.setdefault(name, (goal, {}))
                pair[1].setdefault(program, []).append((limit, ours, ratio))
    return seen


def show(name, goal, runs):
    layouts = [[statistics.median(column) for column in zip(*rounds)] for rounds in runs.values()]
    limit, ours, ratio = (statistics.median(column) for column in zip(*layouts))
    ratios = [layout[2] for layout in layouts]
    verdict = "" if goal == 0 else "met" if ratio <= goal else "over"
    print(f"{name:<40} {limit:>10.2f} {ours:>10.2f} {ratio:>7.3f} "
          f"{min(ratios):>7.3f} {max(ratios):>7.3f} {goal:>6.2f} {verdict}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("programs", nargs="+")
    options = parser.parse_args()
    by_name = {}
    for program in options.programs:
        by_name.setdefault(re.sub(r"-\d+$", "", program), []).append(program)
    print(f"{'work':<40} {'limit ns':>10} {'vmsig ns':>10} {'ratio':>7} {'min':>7} {'max':>7} "
          f"{'goal':>6}")
    for programs in by_name.values():
        for name, (goal, runs) in measure(programs, options.rounds).items():
            show(name, goal, runs)


if __name__ == "__main__":
    main()
