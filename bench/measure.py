# The part of tools/bench that measures, in Wine prefixes which that has made; writes what it found to a file of JSON
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import resource
import signal
import statistics
import subprocess
import sys
import time

import wineserver_trace


class Failure(Exception):
    """Something that the user is told"""


def progress(text):
    print(f'[{time.monotonic() - started:3.0f}s] {text}', flush=True)


### What there is to measure

@dataclasses.dataclass
class Row:
    what: str
    operation: str      # of bench.exe, with its number
    beside: str = ''    # the operation of stock Wine in turn with it
    times: int = 1      # so often
    runs: int = 50      # in a round, which gives their median
    target: str = ''    # for the component in a prefix


def both(what, operation, beside, **others):
    """a row for each protocol"""
    name, colon, number = operation.partition(':')
    return [Row(f'{what}, {protocol.upper()}', f'{name}-{protocol}{colon}{number}', f'{beside}-{protocol}', **others)
            for protocol in ('tcp', 'udp')]


# beside what stock Wine does
CALLS = [
    *both('socket, bind, closesocket', 'plain', 'plain', target='1.02'),
    *both('the same while another process has a socket associated and not bound', 'beside', 'plain', target='1.05'),
    Row('connect, accept, a byte there and back, closesocket', 'connect', 'connect', target='1.01'),
    Row('start of a process, until WSAStartup returned', 'process', 'process', runs=1, target='1.05'),
    *both('socket, associate, bind, closesocket from a block of one\'s own', 'reserved', 'plain', target='5.0, 24 requests'),
    *both('the same from a persistent block', 'persistent', 'plain', target='6.0, 28 requests'),
    *both('acquire and release of a port', 'acquire', 'plain', target='4.0, 16 requests'),
    *both('socket, acquire of a port, closesocket', 'own', 'plain', target='16 requests'),
    *both('acquire and release of 1000 ports, beside 1000 sockets', 'acquire:1000', 'plain', times=1000, runs=3, target='0.15'),
]


@dataclasses.dataclass
class Series:
    group: str
    what: str           # {} is the number
    operation: str
    numbers: list       # the first is what the others are compared with
    quick: list
    target: str = ''
    runs: int = 50
    rounds: int = 5


SERIES = [
    Series('ports', 'acquire and release of {} ports', 'acquire-tcp', [1, 10, 100, 1000, 4000, 16384], [1, 100], runs=5),
    Series('reservations', 'acquire and release of a port among {} reservations', 'among-tcp', [0, 100, 1000, 3000, 10000], [0, 100], '1.1'),
    Series('blocks', 'LookupPersistentTcpPortReservation among {} blocks', 'lookup-tcp', [1, 1000, 5000], [1, 10], '1.1', rounds=2),
    Series('sockets', 'socket, associate, bind, closesocket beside {} bound sockets', 'sockets-tcp', [0, 10, 100, 1000], [0, 10]),
]

# how long the server keeps others waiting
ANSWERS = [
    Row('longest wait for a Lookup while another process acquires and releases so many ports', 'answer-lookup', target='20 ms'),
    Row('longest wait for acquire and release of a port meanwhile', 'answer-acquire', target='20 ms'),
]
LARGE = {False: 16384, True: 1000}

CLIENTS = {False: [1, 2, 4, 16, 64], True: [1, 2]}
# portserver gives no more than 32768, of one port each
FULL = {False: 32000, True: 100}


### Programs in prefixes

class Host:
    """A prefix, and the Wine that it is used with"""

    def __init__(self, name, prefix, path, program):
        self.name = name
        self.prefix = os.path.realpath(prefix)
        self.environment = os.environ | {'WINEPREFIX': prefix, 'PATH': path}
        self.program = program

    def command(self, *command, **others):
        return subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, text=True, **others)

    def wineserver(self, option):
        return self.command('wineserver', option, stderr=subprocess.DEVNULL).wait()

    def start(self, *arguments):
        return Program(self, arguments)

    def memory(self, *words):
        """KiB that no other process shares, of the processes whose command lines have these words"""
        return sum(private_memory(pid) for pid in self.processes(words))

    def most_ports(self):
        """which it can guard: each is an open file, and a wineserver keeps half of those for other things"""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        return (limit // 2 if self.name == 'wine' else limit) - 1000

    def processes(self, words):
        for entry in os.listdir('/proc'):
            # what ends meanwhile, or is somebody else's, is not meant
            with contextlib.suppress(OSError):
                if entry.isdigit() and all(word.encode() in read(entry, 'cmdline') for word in words):
                    mine = b'WINEPREFIX=' + self.environment['WINEPREFIX'].encode()
                    if mine in read(entry, 'environ').split(b'\0'):
                        yield entry


def read(pid, file):
    with open(f'/proc/{pid}/{file}', 'rb') as status:
        return status.read()


def private_memory(pid):
    lines = read(pid, 'smaps_rollup').decode().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(('Private_Clean:', 'Private_Dirty:')))


class Program:
    """bench.exe in a prefix"""

    def __init__(self, host, arguments):
        self.host = host
        self.process = host.command('wine', host.program, *arguments, stdout=subprocess.PIPE)

    def tell(self, line):
        try:
            self.process.stdin.write(line + '\n')
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # answer() says so

    def answer(self, seconds=120):
        signal.alarm(seconds)
        try:
            line = self.process.stdout.readline()
        except TimeoutError:
            raise Failure(f'bench.exe does not answer in {self.host.name}') from None
        finally:
            signal.alarm(0)
        if not line:
            raise Failure(f'bench.exe ended in {self.host.name}')
        return line.split()

    def ask(self, line):
        self.tell(line)
        return self.answer()

    def begin(self, operation):
        """the beginning can be to make thousands of reservations"""
        self.tell(f'begin {operation}')
        if self.answer(600) != ['ready']:
            raise Failure(f'there are no port reservations in {self.host.prefix}; wine-portres install puts them into a prefix')

    def run(self, count):
        """median and least in us"""
        return tuple(map(float, self.ask(f'run {count}')[1:3]))

    def end(self):
        self.tell('end')
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        signal.alarm(120)
        try:
            self.process.wait()
        except TimeoutError:
            self.process.kill()
            raise Failure(f'bench.exe does not end in {self.host.name}') from None
        finally:
            signal.alarm(0)


def give_up(signum, frame):
    raise TimeoutError


### Measuring

class Bench:
    def __init__(self, hosts, quick, folder):
        self.hosts = hosts
        self.stock = hosts[0]
        self.quick = quick
        self.folder = folder
        self.rows = []
        self.requests = {}      # by host and operation
        self.programs = {}

    @contextlib.contextmanager
    def running(self):
        """a program in each prefix"""
        for host in self.hosts:
            # it stays from one program to the next, and what it prints at its end is nobody's business
            host.wineserver('-p')
        self.programs = {host: host.start('serve') for host in self.hosts}
        try:
            yield
        finally:
            for program in self.programs.values():
                program.end()

    def add(self, group, operation, what, unit, target, values, x=None, beside=None, **columns):
        """A row: VALUES are those of all rounds, by host, COLUMNS what else there is to say, by host, too; stock Wine's operation is BESIDE"""
        hosts = {}
        for host, some in values.items():
            cell = summary(some) | {column: by_host[host] for column, by_host in columns.items() if host in by_host}
            batch = self.requests.get((host, beside if host is self.stock and beside else operation))
            if batch:
                cell['requests'] = round(batch.requests(), 2)
                if group != 'clients':
                    cell['own'] = round(batch.own_requests(), 2)
            hosts[host.name] = cell
        row = {'name': operation, 'group': group, 'what': what, 'unit': unit, 'target': target, 'hosts': hosts}
        self.rows.append(row if x is None else row | {'x': x})

    def by_turns(self, round_number, hosts):
        return hosts if round_number % 2 else hosts[::-1]

    def look_for_reservations(self):
        """fails before it takes minutes"""
        for host in self.hosts[1:]:
            program = host.start('serve')
            try:
                program.begin('acquire-tcp')
            finally:
                program.end()

    def most(self, host, number):
        if host.most_ports() < number:
            progress(f'{host.name}: only {host.most_ports()} ports instead of {number}, for there can be no more open files; as root, ulimit -Hn changes that')
        return min(host.most_ports(), number)

    # Calls beside those of stock Wine

    def measure_calls(self):
        for row in CALLS:
            progress(row.what)
            self.measure_call(row)

    def measure_call(self, row):
        rounds = (3 if self.quick else 60) if row.runs > 5 else 2 if self.quick else 30
        values = {host: [] for host in self.hosts}
        least = {}
        for host in self.hosts:
            self.programs[host].begin(row.beside if host is self.stock else row.operation)
        # the first one warms up
        for i in range(rounds + 1):
            for host in self.by_turns(i, self.hosts):
                median, shortest = self.programs[host].run(row.runs)
                if i:
                    values[host].append(median)
                    least[host] = min(shortest, least.get(host, shortest))
        for host in self.hosts:
            self.programs[host].ask('stop')
        others = self.hosts[1:]
        ratios = {host: summary([a / (b * row.times) for a, b in zip(values[host], values[self.stock])]) for host in others}
        self.add('calls', row.operation, row.what, 'us', row.target, values, beside=row.beside, ratio=ratios, least=least,
                 least_ratio={host: round(least[host] / (least[self.stock] * row.times), 4) for host in others})

    # How cost grows

    def measure_series(self):
        for series in SERIES:
            numbers = series.quick if self.quick else series.numbers
            progress(series.what.format(', '.join(map(str, numbers))))
            values = {number: {host: [] for host in self.hosts[1:] if number <= host.most_ports() or series.group == 'blocks'} for number in numbers}
            least = {number: {} for number in numbers}
            for i in range(1 if self.quick else series.rounds):
                for number in numbers:
                    for host in self.by_turns(i, list(values[number])):
                        median, shortest = self.measure_number(self.programs[host], f'{series.operation}:{number}', series.runs)
                        values[number][host].append(median)
                        least[number][host] = min(shortest, least[number].get(host, shortest))
            for number in numbers:
                self.add_number(series.group, f'{series.operation}:{number}', series.what.format(number), series.target, values, number, least)

    def measure_number(self, program, operation, runs):
        program.begin(operation)
        program.run(runs)
        medians, shortest = zip(*(program.run(runs) for _ in range(3)))
        program.ask('stop')
        return statistics.median(medians), min(shortest)

    def add_number(self, group, operation, what, target, values, number, least=None, **columns):
        """beside the first number"""
        first = next(iter(values))
        if least:
            columns['least'] = least[number]
        if number == first:
            target = ''
        else:
            columns['ratio'] = {host: summary([a / b for a, b in zip(some, values[first][host])]) for host, some in values[number].items()}
            if least:
                columns['least_ratio'] = {host: round(some / least[first][host], 4) for host, some in least[number].items()}
        self.add(group, operation, what, 'us', target, values[number], number, **columns)

    # How long others wait

    def measure_answers(self):
        counts = {host: self.most(host, LARGE[self.quick]) for host in self.hosts[1:]}
        for row in ANSWERS:
            progress(row.what)
            values = {}
            for host in self.hosts[1:]:
                program = self.programs[host]
                program.begin(f'{row.operation}:{counts[host]}')
                values[host] = [float(program.ask(f'run-for {200 if self.quick else 1000}')[2]) for _ in range(1 if self.quick else 5)]
                program.ask('stop')
            self.add('answers', row.operation, row.what, 'us', row.target, values, ports=counts)

    # Many processes

    @contextlib.contextmanager
    def clients(self, host, count):
        programs = [host.start('serve') for _ in range(count)]
        try:
            for program in programs:
                program.begin('plain-tcp' if host is self.stock else 'acquire-tcp')
                program.run(10)
            yield programs
            for program in programs:
                program.ask('stop')
        finally:
            for program in programs:
                program.end()

    def measure_clients(self):
        numbers = CLIENTS[self.quick]
        what = 'acquire and release of a port in each of {} processes, time of all together'
        progress(what.format(', '.join(map(str, numbers))))
        values = {number: {host: [] for host in self.hosts} for number in numbers}
        fair = {number: {host: [] for host in self.hosts} for number in numbers}
        milliseconds = 200 if self.quick else 1000
        for i in range(1 if self.quick else 3):
            for number in numbers:
                for host in self.by_turns(i, self.hosts):
                    with self.clients(host, number) as programs:
                        for program in programs:
                            program.tell(f'run-for {milliseconds}')
                        runs = [int(program.answer()[1]) for program in programs]
                    values[number][host].append(milliseconds * 1000 / sum(runs))
                    fair[number][host].append(max(runs) / max(min(runs), 1))
        for number in numbers:
            self.add_number('clients', f'clients:{number}', what.format(number), '1.0, fastest by slowest 2.0', values, number,
                            fastest_by_slowest={host: statistics.median(some) for host, some in fair[number].items()})

    # Memory

    def measure_memory(self):
        progress('memory')
        rounds = 2 if self.quick else 7
        values = {host: [] for host in self.hosts}
        for i in range(rounds):
            for host in self.by_turns(i, self.hosts):
                program = host.start('started')
                program.answer()
                values[host].append(host.memory('bench.exe', 'started'))
                program.end()
        above = {host: statistics.median(values[host]) - statistics.median(values[self.stock]) for host in self.hosts[1:]}
        self.add('memory', 'memory-process', 'private memory of a process that has started Winsock', 'KiB', '300', values, above=above)
        sizes = {}
        for host in self.hosts[1:]:
            sizes |= self.server_sizes(host)
        self.add_server_memory('idle', 'idle after all of that', '4096', sizes)
        progress('memory with reservations')
        counts = {}
        sizes = {}
        # one after the other: what one has is a port in use to the others, which takes them long to find out
        for host in self.hosts[1:]:
            counts[host] = self.most(host, FULL[self.quick])
            holder = host.start('hold', f'reservations:{counts[host]}')
            holder.answer(600)
            sizes |= self.server_sizes(host)
            holder.end()
        self.add_server_memory('full', 'with so many reservations of one port', str(32 * 1024), sizes, ports=counts)

    def server_sizes(self, host):
        return {(host, server): host.memory(server) for server in ('portserver.exe', 'wineserver')}

    def add_server_memory(self, state, what, target, sizes, **columns):
        service = self.stock.memory('plugplay.exe')
        values = {self.stock: service} | {host: size for (host, server), size in sizes.items() if server == 'portserver.exe' and size}
        self.add('memory', f'memory-portserver-{state}', f'portserver {what}, beside an idle service of Wine (plugplay)', 'KiB', target,
                 {host: [size] for host, size in values.items()},
                 above={host: size - service for host, size in values.items() if host is not self.stock}, **columns)
        stock = self.stock.memory('wineserver')
        values = {self.stock: stock} | {host: size for (host, server), size in sizes.items() if server == 'wineserver'}
        self.add('memory', f'memory-wineserver-{state}', f'wineserver {what}', 'KiB', '', {host: [size] for host, size in values.items()},
                 above={host: size - stock for host, size in values.items() if host is not self.stock}, **columns)

    # Requests

    def count_all_requests(self):
        for host in self.hosts:
            progress(f'counting requests: {host.name}')
            many = 10 if self.quick else 50
            operations = [(row.beside if host is self.stock else row.operation, min(row.runs, 5) if row.runs < 50 else many) for row in CALLS]
            if host is not self.stock:
                operations += [(f'{series.operation}:{number}', min(series.runs, many))
                               for series in SERIES for number in (series.quick if self.quick else series.numbers)
                               if number <= host.most_ports() or series.group == 'blocks']
            for name, batch in self.count_requests(host, dict(operations), CLIENTS[self.quick]).items():
                self.requests[host, name] = batch

    def count_requests(self, host, operations, clients=()):
        """the batches of wineserver_trace of operations, each with a number of runs: so many that what is done now and then is in each batch"""
        trace = os.path.join(self.folder, f'trace.{host.name}')
        host.wineserver('-w')
        with open(trace, 'w', encoding='utf-8') as output:
            server = host.command('wineserver', '-f', '-d', stdout=output, stderr=subprocess.STDOUT)
        # a program that is quicker starts another one, which does not say what it does
        for _ in range(100):
            if host.wineserver('-k0') == 0:
                break
            time.sleep(0.1)
        program = host.start('serve')
        for operation, runs in operations.items():
            # what starts with the prefix has settled by then
            program.ask(f'sleep {20 if self.quick else 200}')
            program.begin(operation)
            # the first ones differ, but are not the median
            program.ask(f'batches {3 if self.quick else 9} {runs}')
            program.ask('stop')
        for number in clients:
            with self.clients(host, number) as programs:
                for _ in range(3):
                    program.ask(f'mark begin clients:{number} {number * 50}')
                    for client in programs:
                        client.tell('run 50')
                    for client in programs:
                        client.answer()
                    program.ask(f'mark end clients:{number} {number * 50}')
        program.end()
        host.wineserver('-k')
        server.wait()
        counts = wineserver_trace.count(trace)
        os.remove(trace)
        return counts


def summary(values):
    """the median, and where the middle half of them lies"""
    low, middle, high = statistics.quantiles(values, n=4, method='inclusive') if len(values) > 1 else values * 3
    return {'median': round(middle, 3), 'low': round(low, 3), 'high': round(high, 3)}


def print_trace(bench, operation):
    for host in bench.hosts:
        print(f'{host.name}:')
        try:
            (name, batch), = bench.count_requests(host, {operation: 50}).items()
        except Failure as failure:
            print(f'  {failure}')
            continue
        print(f'  {name}: {batch.requests():.1f} requests, {batch.own_requests():.1f} of the program')
        for who, kinds in (('program', batch.own), ('others', batch.others)):
            for kind, count in kinds.most_common():
                print(f'  {who:8} {kind:40} {count / batch.runs:6.2f}')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--host', nargs=3, action='append', required=True, metavar=('NAME', 'PREFIX', 'PATH'),
                        help='the first one is stock Wine')
    parser.add_argument('--program', required=True)
    parser.add_argument('--folder', required=True, help="for temporary files")
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--trace')
    parser.add_argument('--json')
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, give_up)
    bench = Bench([Host(*host, options.program) for host in options.host], options.quick, options.folder)
    if options.trace:
        print_trace(bench, options.trace)
        return
    bench.look_for_reservations()
    bench.count_all_requests()
    with bench.running():
        bench.measure_calls()
        bench.measure_series()
        bench.measure_answers()
        bench.measure_clients()
        bench.measure_memory()
    wine = bench.stock.command('wine', '--version', stdout=subprocess.PIPE).communicate()[0].strip()
    result = {'wine': wine, 'system': platform.platform(), 'processors': os.cpu_count(), 'quick': options.quick, 'rows': bench.rows}
    with open(options.json, 'w', encoding='utf-8') as output:
        json.dump(result, output, indent=1)
        output.write('\n')


started = time.monotonic()
if __name__ == '__main__':
    try:
        main()
    except (Failure, OSError) as failure:
        sys.exit(f'bench: {failure}')
