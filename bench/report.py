# The part of tools/bench that shows what was measured: a table, and plots
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.

import argparse
import json
import os
import shutil
import subprocess
import sys

HEADING = ['', 'where', 'requests', 'own', 'median', 'middle half', 'ratio', 'middle half', 'least', 'ratio', 'target']
TITLES = {
    'calls': 'Calls, beside stock Wine by turns',
    'ports': 'Ports in a block',
    'reservations': 'Reservations of others',
    'blocks': 'Persistent blocks',
    'sockets': 'Bound sockets',
    'answers': 'How long others wait',
    'clients': 'Processes at once',
    'memory': 'Memory that no other process shares',
}
PLOTS = {
    'ports': 'ports acquired and released',
    'reservations': 'one-port reservations of another process',
    'sockets': 'bound sockets of another process',
    'clients': 'client processes',
}


def number(value):
    """three digits, as far as they say something"""
    if abs(value) < 0.1:
        return f'{value:.3f}'
    return f'{value:.2f}' if abs(value) < 10 else f'{value:.1f}' if abs(value) < 100 else f'{value:.0f}'


def half(summary):
    return f'{number(summary["low"])} to {number(summary["high"])}'


def lines_of(row):
    for i, (host, cell) in enumerate(row['hosts'].items()):
        line = ['' if i else row['what'], host]
        line += [f'{cell[key]:.1f}' if key in cell else '' for key in ('requests', 'own')]
        line += [f'{number(cell["median"])} {row["unit"]}', half(cell)]
        if 'ratio' in cell:
            line += [number(cell['ratio']['median']), half(cell['ratio'])]
        elif 'above' in cell:
            line += [f'{cell["above"]:+.0f} {row["unit"]}', '']
        else:
            line += ['', '']
        line += [number(cell[key]) + unit if key in cell else '' for key, unit in (('least', ' ' + row['unit']), ('least_ratio', ''))]
        line.append(row['target'] if host == 'prefix' else '')
        if 'fastest_by_slowest' in cell:
            line[7] = f'fastest by slowest {number(cell["fastest_by_slowest"])}'
        elif 'ports' in cell:
            line[7] = f'{cell["ports"]} ports'
        yield line


def print_table(result):
    """in Markdown"""
    groups = list(dict.fromkeys(row['group'] for row in result['rows']))
    for group in groups:
        lines = [HEADING] + [line for row in result['rows'] if row['group'] == group for line in lines_of(row)]
        # without the columns that have nothing here
        used = [i for i in range(len(HEADING)) if i == 0 or any(line[i] for line in lines[1:])]
        lines = [[line[i] for i in used] for line in lines]
        widths = [max(len(line[i]) for line in lines) for i in range(len(used))]
        lines.insert(1, ['-' * width for width in widths])
        print(f'\n### {TITLES[group]}\n')
        for line in lines:
            # words to the left, numbers to the right
            print('| ' + ' | '.join(text.ljust(width) if i < 2 else text.rjust(width)
                                    for i, (text, width) in enumerate(zip(line, widths))) + ' |')


def plot(result, folder):
    gnuplot = shutil.which('gnuplot')
    if not gnuplot:
        print('bench: no plots, for gnuplot is not installed; on Debian: apt-get install gnuplot-nox', file=sys.stderr)
        return
    os.makedirs(folder, exist_ok=True)
    for group, label in PLOTS.items():
        rows = [row for row in result['rows'] if row['group'] == group]
        hosts = list(dict.fromkeys(host for row in rows for host in row['hosts']))
        script = [
            'set terminal svg size 640,400 noenhanced font "sans,12"',
            f'set output "{os.path.join(folder, group)}.svg"',
            'set key outside top center horizontal', 'set grid ytics', 'set xtics nomirror', 'set ytics nomirror', 'set border 3',
            # one step a number; what should be flat shows it best from 0 on
            'set xtics (' + ', '.join(f'"{row["x"]}" {i}' for i, row in enumerate(rows)) + ')', f'set xrange [-0.2:{len(rows) - 0.8}]',
            'set logscale y' if group == 'ports' else 'set yrange [0:*]',
            f'set xlabel "{label}"', 'set ylabel "microseconds"',
            'plot ' + ', '.join(f'"-" with yerrorlines linewidth 2 title "{host}"' for host in hosts),
        ]
        for host in hosts:
            for i, row in enumerate(rows):
                if host in row['hosts']:
                    cell = row['hosts'][host]
                    script.append(f'{i} {cell["median"]} {cell["low"]} {cell["high"]}')
            script.append('e')
        subprocess.run([gnuplot], input='\n'.join(script) + '\n', text=True, check=True)
    print(f'\nplots: {folder}/*.svg')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--plots', metavar='FOLDER')
    parser.add_argument('json')
    options = parser.parse_args()
    with open(options.json, encoding='utf-8') as file:
        result = json.load(file)
    print(f'{result["wine"]}, {result["processors"]} processors, {result["system"]}' + (', --quick: no figures to go by' if result['quick'] else ''))
    print_table(result)
    if options.plots:
        plot(result, options.plots)


if __name__ == '__main__':
    try:
        main()
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit(f'bench: {error}')
