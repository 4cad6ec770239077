#!/usr/bin/perl
#
# Run the workers of the soak test, kill some of them and the server at random, and look at the kernel's socket tables
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# Usage: observe.pl SECONDS WORKERS PROGRAM, with WINEPREFIX set; tools/soak runs it

use strict;
use warnings;
use POSIX ":sys_wait_h";
use Time::HiRes qw(time sleep);

my ($seconds, $workers, $program) = @ARGV;
die "usage: observe.pl SECONDS WORKERS PROGRAM\n" unless defined $program && $ENV{WINEPREFIX};

my $log = "$ENV{WINEPREFIX}/soak";
my ($violations, $killed_workers, $killed_servers, $looks, $started) = (0, 0, 0, 0, 0);
my %worker;   # Unix process => file of its output

# Only processes of our prefix are ours to look at and to kill.
sub processes_of($)
{
    my $name = shift;
    my @found;

    foreach my $dir (glob "/proc/[0-9]*")
    {
        open my $file, "<", "$dir/cmdline" or next;
        my $command = do { local $/; <$file> } // "";
        close $file;
        next unless $command =~ /\Q$name\E/;
        open $file, "<", "$dir/environ" or next;
        my $environ = do { local $/; <$file> } // "";
        close $file;
        push @found, $dir =~ /(\d+)$/ if "\0$environ\0" =~ /\0WINEPREFIX=\Q$ENV{WINEPREFIX}\E\0/;
    }
    return @found;
}

sub sockets_of(@)
{
    my %inodes;
    foreach my $fd (map { glob "/proc/$_/fd/*" } @_)
    {
        my $target = readlink( $fd ) // next;
        $inodes{$1} = 1 if $target =~ /^socket:\[(\d+)\]/;
    }
    return \%inodes;
}

# "udp 1234" => sockets of Wine that are bound to it, TCP only those that listen: two hands at one port
sub ports_in_two_hands()
{
    # wineserver has every socket of the prefix open
    my $ours = sockets_of( processes_of( "wineserver" ) );
    my %hands;

    foreach my $table (qw(tcp tcp6 udp udp6))
    {
        open my $file, "<", "/proc/net/$table" or next;
        while (<$file>)
        {
            my @field = split;
            next unless $field[1] =~ /:([0-9A-F]{4})$/;
            my $port = hex $1;
            next if $table =~ /tcp/ && $field[3] ne "0A";  # TCP_LISTEN
            $table =~ /^(...)/;
            $hands{"$1 $port"}{$field[9]} = 1 if $ours->{$field[9]};
        }
        close $file;
    }
    return { map { $_ => join( " ", sort keys %{$hands{$_}} ) } grep { keys %{$hands{$_}} > 1 } keys %hands };
}

# One process guards the ports of a prefix; two of them would have them in two hands.
my $guards = "";
sub look_for_guards()
{
    my @pids = sort { $a <=> $b } processes_of( "portguard" );
    my $now = @pids > 1 ? "@pids" : "";

    if ($now && $now eq $guards)
    {
        print "VIOLATION: there are several portguards: $now\n";
        $violations++;
    }
    $guards = $now;
}

# The prefix lives on whatever is killed.
my $wineserver = "";
sub look_for_wineserver()
{
    my $now = join " ", processes_of( "wineserver" );

    if ($wineserver && $now ne $wineserver)
    {
        print "VIOLATION: wineserver was process $wineserver and is process $now\n";
        $violations++;
    }
    $wineserver = $now if $now;
}

# A table is not read in one moment: a port counts that is so twice, with the same sockets.
sub look()
{
    my $first = ports_in_two_hands();
    $looks++;
    return unless %$first;
    sleep 0.2;
    my $second = ports_in_two_hands();
    foreach my $port (sort keys %$first)
    {
        next unless ($second->{$port} // "") eq $first->{$port};
        print "VIOLATION: $port is in two hands: sockets $first->{$port}\n";
        $violations++;
    }
}

sub start_worker($)
{
    my $left = shift;
    my $output = "$log." . $started++;
    my $pid = fork() // die "cannot fork: $!\n";

    if (!$pid)
    {
        open STDOUT, ">", $output or die;
        open STDERR, ">&", \*STDOUT or die;
        exec "wine", $program, "wine-portres-soak", $started, $left;
        die "cannot run wine: $!\n";
    }
    $worker{$pid} = $output;
}

sub reap($)
{
    my $pid = shift;
    my $output = delete $worker{$pid} // return;

    open my $file, "<", $output or return;
    while (<$file>)
    {
        next unless /VIOLATION/;
        print;
        $violations++;
    }
    close $file;
    unlink $output;
}

my $start = time;
my $end = $start + $seconds;
my $next_look = $start;
my $next_word = $start + 10;

start_worker( $seconds ) foreach 1 .. $workers;
while (%worker)
{
    my $now = time;

    while ((my $pid = waitpid( -1, WNOHANG )) > 0)
    {
        reap( $pid );
        start_worker( int( $end - $now ) ) if $end - $now > 2;
    }
    if ($now >= $next_look)
    {
        look();
        look_for_guards();
        look_for_wineserver();
        $next_look = $now + 1;
        # a worker every 2 seconds, the server every 5
        if ($now < $end && !int rand 2)
        {
            my @pids = keys %worker;
            $killed_workers += kill KILL => $pids[rand @pids];
        }
        if ($now < $end && !int rand 5)
        {
            $killed_servers += kill KILL => $_ foreach processes_of( "portserver.exe" );
        }
    }
    if ($now >= $next_word)
    {
        printf "%4d s: %d workers started, %d killed, server killed %d times, %d looks, %d violations\n",
            $now - $start, $started, $killed_workers, $killed_servers, $looks, $violations;
        $next_word = $now + 10;
    }
    if ($now > $end + 60)
    {
        print "VIOLATION: ", scalar keys %worker, " workers hang\n";
        $violations++;
        kill KILL => keys %worker;
        last;
    }
    sleep 0.05;
}

# nothing may be left, once the last watch has been heard of
my $left;
for (my $try = 0; $try < 20; $try++)
{
    $left = `"$ENV{WINE_PORTRES}" list 2>&1`;
    last unless $left =~ /runtime/;
    sleep 0.5;
}
if ($left =~ /runtime/)
{
    print "VIOLATION: reservations are left behind:\n$left";
    $violations++;
}
printf "soak: %d looks in %d s, %d workers (%d killed), server killed %d times\n", $looks, time - $start, $started,
    $killed_workers, $killed_servers;
printf "soak: %d tests, %d failures\n", $looks + $started + 1, $violations;
exit( $violations != 0 );
