#!/usr/bin/perl
#
# Run the workers of the soak test, kill some of them and the server at random, put one thing after the other out of order, and look at the
# kernel's socket tables
#
# Copyright 2026 the wine-portres authors
#
# This library is free software; you can redistribute it and/or
# modify it under the terms of the GNU Lesser General Public
# License as published by the Free Software Foundation; either
# version 2.1 of the License, or (at your option) any later version.
#
# Usage: observe.pl SECONDS WORKERS THREADS PROGRAM FOLDER, with WINEPREFIX set; tools/soak runs it. FOLDER is for what stands outside of the
# prefix. SOAK_HOST is 'prefix' for the server of the component, 'wine' for a Wine with reservations in wineserver.

use strict;
use warnings;
use List::Util qw(sum0);
use POSIX ":sys_wait_h";
use Socket;
use Time::HiRes qw(time sleep);

my ($seconds, $workers, $threads, $program, $folder) = @ARGV;
die "usage: observe.pl SECONDS WORKERS THREADS PROGRAM FOLDER\n" unless defined $folder && $ENV{WINEPREFIX};

use constant WSAENETDOWN => 10050;
use constant WSAENOBUFS => 10055;
use constant ERROR_DISK_FULL => 112;
use constant ERROR_NOT_FOUND => 1168;
# Seconds for which what was out of order may still be felt
use constant GRACE => 3;
# Wine's own processes come and go
use constant SOME_DESCRIPTORS => 8;
# Seconds for which a wineserver has to live for its memory to tell anything, and how much more it may use in the last third of them than in the
# second: the reservations that there are differ from moment to moment
use constant LONG_LIFE => 90;
use constant MORE_MEMORY => 1.02;
use constant MORE_KILOBYTES => 512;

$| = 1;
my $prefix = $ENV{WINEPREFIX};
$ENV{SOAK_FAULTS} //= "";
my ($violations, $killed_workers, $killed_servers, $looks, $started) = (0, 0, 0, 0, 0);
my %failed;   # call and error => how often that was while something was out of order
my $in_wine = ($ENV{SOAK_HOST} // "") eq "wine";
my %worker;   # Unix process => file of its output, and its slot
my @slots = (0 .. $workers - 1);  # those that no worker has
my %stored;   # persistent reservation, "udp 14000 4" => is it there? Not known (undef) of one that was being changed when its worker was killed.
my @windows;  # times when something is out of order that makes calls fail, from and to, with the name of it

sub violation($)
{
    print "VIOLATION: $_[0]\n";
    $violations++;
}

# Only processes of our prefix, or of a copy of it, are ours to look at and to kill. The helper's environment does not tell, its place does.
sub processes_of($;$)
{
    my ($name, $of) = (@_, $prefix);
    my @found;

    foreach my $dir (glob "/proc/[0-9]*")
    {
        my $exe = readlink( "$dir/exe" ) // next;
        open my $file, "<", "$dir/cmdline" or next;
        my $command = do { local $/; <$file> } // "";
        close $file;
        next if index( $command, $name ) < 0;
        if ($exe !~ m,^\Q$of\E/drive_c/windows/system32/portres/portguard\b,)
        {
            next unless $exe =~ m,/wine[^/]*$,;
            open $file, "<", "$dir/environ" or next;
            my $environ = do { local $/; <$file> } // "";
            close $file;
            next unless "\0$environ\0" =~ /\0WINEPREFIX=\Q$of\E\0/;
        }
        push @found, $dir =~ /(\d+)$/;
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

# Where reservations are part of Wine, the guard of a UDP port is wineserver's, too, and stays beside the socket that has the port. It is tied to
# an interface that no host has.
sub add_guards($)
{
    my $guards = shift;

    open my $ss, "-|", "ss -uaneH 2>/dev/null" or return;
    while (<$ss>)
    {
        $guards->{$1} = 1 if /%\w*2147483647:/ && /\bino:(\d+)/;
    }
    close $ss;
}

# "udp 1234" => sockets of Wine that are bound to it, TCP only those that listen: two hands at one port
sub ports_in_two_hands()
{
    # wineserver has every socket of the prefix open
    my $ours = sockets_of( processes_of( "wineserver" ) );
    my (%hands, %guards);

    add_guards( \%guards );
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
    add_guards( \%guards );  # those that were made meanwhile
    foreach my $sockets (values %hands) { delete @$sockets{keys %guards}; }
    return { map { $_ => join( " ", sort keys %{$hands{$_}} ) } grep { keys %{$hands{$_}} > 1 } keys %hands };
}

# One process guards the ports of a prefix, and one knows the rules; two of them would have the ports in two hands. One that takes over
# ends the one of before within a second.
my %several;
sub look_for_several($)
{
    my $name = shift;
    my $now = join " ", sort processes_of( $name );

    if ($now !~ / / || ($several{$name}{pids} // "") ne $now)
    {
        $several{$name} = { pids => $now, since => time };
    }
    elsif (time - $several{$name}{since} > 3)
    {
        violation( "there are several processes '$name': $now" );
        $several{$name}{since} = time;
    }
}

# The prefix lives on whatever else is killed.
my $wineserver = "";
sub look_for_wineserver()
{
    my $now = join " ", processes_of( "wineserver" );

    if ($wineserver && $now ne $wineserver)
    {
        violation( "WINESERVER ENDED: it was process $wineserver and is process '$now'" );
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
        violation( "$port is in two hands: sockets $first->{$port}" );
    }
}

sub start_worker($)
{
    my $left = shift;
    my $output = "$folder/worker." . $started++;
    my $slot = shift @slots;
    my $pid = fork() // die "cannot fork: $!\n";

    if (!$pid)
    {
        my @more = $in_wine ? (int( $threads / $workers ) + ($slot < $threads % $workers), $slot) : ();
        open STDOUT, ">", $output or die;
        open STDERR, ">&", \*STDOUT or die;
        exec "wine", $program, "wine-portres-soak", $started, $left, @more;
        die "cannot run wine: $!\n";
    }
    $worker{$pid} = { output => $output, slot => $slot };
}

# What still runs for a prefix, as words
sub left_of($)
{
    my $of = shift;
    my @left;

    foreach my $pid (processes_of( "", $of ))
    {
        open my $file, "<", "/proc/$pid/cmdline" or next;
        my $command = do { local $/; <$file> } // "";
        push @left, $command =~ tr/\0/ /r . "($pid)";
    }
    return @left;
}

# What is put out of order, one thing at a time. Each is done in a process of its own, whose exit code is the number of violations that it found.
# 'fails' says that calls may fail meanwhile, in time and with an error that says so; 'spare' that the server is not to be killed.

sub hang($$)
{
    my ($name, $time) = @_;
    my @pids = processes_of( $name );
    my $from = time;

    kill STOP => @pids;
    sleep $time;
    # by then one of them may have been killed, and its number be another's
    my %ours = map { $_ => 1 } processes_of( $name );
    kill CONT => grep { $ours{$_} } @pids;
    printf "%s was stopped for %.1f s\n", $name, time - $from;
    return 0;
}

sub hang_server()
{
    return $in_wine ? hang( "wineserver", 1 + rand 5 ) : hang( "portserver.exe", 1 + rand 7 );
}

# after 15 seconds the server starts another one
sub hang_helper()
{
    return hang( "portguard", int rand 4 ? 1 + rand 6 : 18 );
}

# A full disk and a server that is killed lose runtime reservations, of which the log warns: not both.
sub fill_disk()
{
    my $file = "$prefix/full";

    open my $full, ">", $file or return 0;
    foreach my $size (1 << 20, 1)
    {
        my $chunk = "x" x $size;
        1 while (syswrite( $full, $chunk ) // 0) == $size;
    }
    sleep 2 + rand 4;
    close $full;
    unlink $file;
    return 0;
}

sub few_descriptors()
{
    my %limit;

    foreach my $pid (processes_of( "portguard" ))
    {
        open my $file, "<", "/proc/$pid/limits" or next;
        my ($line) = grep { /^Max open files/ } <$file>;
        next unless defined $line && $line =~ /(\d+)\s+(\d+)\s+files/ && $2 >= 1024;
        $limit{$pid} = $1;
        system "prlimit", "--pid", $pid, "--nofile=1024:";
    }
    sleep 3 + rand 5;
    my %ours = map { $_ => 1 } processes_of( "portguard" );
    foreach my $pid (grep { $ours{$_} } keys %limit)
    {
        system "prlimit", "--pid", $pid, "--nofile=$limit{$pid}:";
    }
    return 0;
}

# The reservations of a kind, as "protocol first last"
sub list_blocks($)
{
    my $wanted = shift;
    my @blocks;

    foreach (`"$ENV{WINE_PORTRES}" list 2>/dev/null </dev/null`)
    {
        my ($protocol, $first, $last, $kind) = split;
        push @blocks, "$protocol $first $last" if defined $kind && $kind eq $wanted;
    }
    return @blocks;
}

# Native programs have every second port of two ranges, of which the workers ask for one by number. No reservation may be granted over them. In a
# block that was there before, a UDP port may become theirs in the moment between the end of its owner's socket and its new guard; see
# docs/guards.md.
sub busy_ports()
{
    my (%sockets, $wrong);
    my $helper = join " ", processes_of( "portguard" );
    my %before = map { $_ => 1 } list_blocks( "runtime" );

    system "prlimit --pid $$ --nofile=8192: 2>/dev/null";
    foreach my $port (map { 2 * $_ } 10500 .. 10600, 5000 .. 6500)
    {
        foreach my $protocol ("tcp", "udp")
        {
            socket my $socket, PF_INET, $protocol eq "tcp" ? SOCK_STREAM : SOCK_DGRAM, 0 or last;
            $sockets{"$protocol $port"} = $socket if bind $socket, pack_sockaddr_in( $port, INADDR_ANY );
        }
    }
    $wrong = 0;
    sleep 2;
    foreach my $block (list_blocks( "runtime" ))
    {
        my ($protocol, $first, $last) = split " ", $block;
        next if $protocol eq "udp" && $before{$block};
        foreach my $port (grep { $sockets{"$protocol $_"} } $first .. $last)
        {
            print "VIOLATION: $protocol $port is a native program's and in the block $first to $last; portguard was process $helper and is ",
                join( " ", processes_of( "portguard" ) ), "\n";
            $wrong++;
        }
    }
    sleep 2;
    return $wrong;
}

# A copy of the running prefix, programs, server and all, is another prefix: it runs, takes nothing from this one, and ends.
sub copy_prefix()
{
    my $copy = "$folder/copy";
    my $wrong = 0;
    my @left;

    system "cp -a --reflink=auto '$prefix' '$copy' 2>/dev/null";
    foreach (`WINEPREFIX='$copy' wine '$program' wine-portres-soak 1 5 2>/dev/null </dev/null`)
    {
        next unless /VIOLATION|FAILED/;
        print "VIOLATION: in a copy of the prefix: $_";
        $wrong++;
    }
    system "WINEPREFIX='$copy' wineserver -k; WINEPREFIX='$copy' wineserver -w";
    foreach (1 .. 50)
    {
        @left = left_of( $copy );
        last unless @left;
        sleep 0.2;
    }
    if (@left)
    {
        print "VIOLATION: a copy of the prefix has ended, but for @left\n";
        $wrong++;
    }
    system "rm", "-rf", $copy;
    return $wrong;
}

my %faults =
(
    "hung server"     => { run => \&hang_server, fails => 1 },
    "hung helper"     => { run => \&hang_helper, fails => 1 },
    "full disk"       => { run => \&fill_disk, fails => 1, spare => 1 },
    "few descriptors" => { run => \&few_descriptors, fails => 1 },
    "busy ports"      => { run => \&busy_ports },
    "copied prefix"   => { run => \&copy_prefix },
);
delete $faults{"full disk"} unless $ENV{SOAK_OWN_DISK};
delete @faults{"hung helper", "few descriptors"} if $in_wine;
foreach my $name (keys %faults) { delete $faults{$name} unless $name =~ /(?:$ENV{SOAK_FAULTS})/ }
my ($fault, $fault_pid, $fault_end, @to_come) = ("", 0, time);
my %faults_done = map { $_ => 0 } keys %faults;

sub is_spared($)
{
    my $now = shift;
    return scalar grep { $faults{$_->{name}}{spare} && $now < $_->{to} } @windows;
}

sub start_fault()
{
    @to_come = sort { rand() <=> 0.5 } keys %faults unless @to_come;
    $fault = shift @to_come;
    push @windows, { name => $fault, from => time, to => 9e9 } if $faults{$fault}{fails};
    $fault_pid = fork() // die "cannot fork: $!\n";
    return if $fault_pid;
    POSIX::_exit( $faults{$fault}{run}->() );
}

sub end_fault($)
{
    $violations += $_[0] >> 8;
    violation( "the test of '$fault' ended with signal " . ($_[0] & 127) ) if $_[0] & 127;
    $fault_end = time;
    $windows[-1]{to} = $fault_end + GRACE if $faults{$fault}{fails};
    $faults_done{$fault}++;
    ($fault, $fault_pid) = ("", 0);
}

# The number of sockets and pipes, by what has them. wineserver's files are those of modules, which come and go with Wine's own processes.
sub descriptors()
{
    my %count;
    foreach my $name ("wineserver", "portguard")
    {
        $count{$name} = () = grep { /^(?:socket|pipe):/ } map { readlink // () } map { glob "/proc/$_/fd/*" } processes_of( $name );
    }
    return \%count;
}

sub files()
{
    my ($device, $inode) = stat $prefix;
    my $server = sprintf "/tmp/.wine-%d/server-%x-%x", $<, $device, $inode;
    my %files = map { chomp; $_ => 1 } `find '$prefix' '$server' ! -name portserver.log ! -name ports.journal 2>/dev/null`;
    return \%files;
}

# A call that failed as none does when all is well
sub look_at_failure($$$$)
{
    my ($from, $to, $call, $error) = @_;

    foreach my $window (@windows)
    {
        next unless $error == WSAENETDOWN || $error == WSAENOBUFS || $error == ERROR_DISK_FULL;
        next unless $from < $window->{to} && $to > $window->{from};
        $failed{"$call: $error"}++;
        return;
    }
    violation( sprintf "%s: error %d, %.1f s after the start, for %.1f s", $call, $error, $from - $^T, $to - $from );
}

# What a worker says of a change of the store: before it asks for it, and with the error afterwards
sub look_at_change($$$$)
{
    my ($asked, $change, $block, $error) = @_;

    if (!defined $error)
    {
        $asked->{$block} = 1;
        return;
    }
    delete $asked->{$block};
    my $was_there = exists $stored{$block} ? $stored{$block} : 0;
    if (defined $was_there)
    {
        violation( "$block is lost: it was created, and a delete does not find it" ) if $error == ERROR_NOT_FOUND && $was_there;
        violation( "$block was created twice" ) if !$error && $change eq "create" && $was_there;
        violation( "$block was deleted twice" ) if !$error && $change eq "delete" && !$was_there;
    }
    $stored{$block} = $change eq "create" if !$error;
    $stored{$block} = 0 if $error == ERROR_NOT_FOUND;
}

# Returns whether that was a worker.
sub reap($)
{
    my $worker = delete $worker{$_[0]} // return 0;
    my %asked;

    push @slots, $worker->{slot};
    open my $file, "<", $worker->{output} or return 1;
    while (<$file>)
    {
        if (/VIOLATION/)
        {
            print;
            $violations++;
        }
        elsif (/^FAILED AT (\d+) (\d+): (.*): error (\d+)/)
        {
            look_at_failure( $1 / 1000, $2 / 1000, $3, $4 );
        }
        elsif (/^STORED? (create|delete) (\S+ \d+ \d+)(?: (\d+))?/)
        {
            look_at_change( \%asked, $1, $2, $3 );
        }
    }
    close $file;
    unlink $worker->{output};
    $stored{$_} = undef foreach keys %asked;
    return 1;
}

# Is in the store what was acknowledged, and nothing else?
sub look_at_store()
{
    my %there;

    foreach (list_blocks( "persistent" ))
    {
        my ($protocol, $first, $last) = split;
        $there{"$protocol $first " . ($last - $first + 1)} = 1;
    }
    foreach my $block (sort keys %{{ %there, %stored }})
    {
        my $is_known = !exists $stored{$block} || defined $stored{$block};
        my $is_there = $there{$block} // 0;

        violation( "after a kill of wineserver $block is lost" ) if $is_known && !$is_there && $stored{$block};
        violation( "after a kill of wineserver $block is there, and should not be" ) if $is_known && $is_there && !$stored{$block};
        $stored{$block} = $is_there;
    }
    return scalar keys %there;
}

# A program that does nothing keeps the prefix running. What is always there is there before files and descriptors are counted.
my ($holder, $descriptors_before);
sub start_prefix()
{
    my $pid;

    # a program that starts in the moment in which a wineserver ends may find it, and fail
    do
    {
        $pid = open $holder, "|-", "wine cmd /c pause >/dev/null 2>&1" or die "cannot run wine: $!\n";
        system "wine '$program' wine-portres-soak-first 1 1 >/dev/null 2>&1 </dev/null";
        sleep 5;
    } while waitpid $pid, WNOHANG;
    $descriptors_before //= descriptors();
}

# What the wineserver that runs uses, once a second
my (@samples, @lives);
sub sample()
{
    my ($pid) = processes_of( "wineserver" ) or return;
    my @descriptors = glob "/proc/$pid/fd/*";

    open my $file, "<", "/proc/$pid/status" or return;
    my ($line) = grep { /^RssAnon:/ } <$file>;
    return unless defined $line && $line =~ /(\d+) kB/;
    push @samples, { memory => $1, descriptors => scalar @descriptors };
}

sub median($@)
{
    my ($name, @list) = @_;
    my @sorted = sort { $a <=> $b } map { $_->{$name} } @list;
    return $sorted[@sorted / 2];
}

# The life of a wineserver is over: did it use more and more? From the second third on all workers run.
sub end_life($)
{
    my $time = shift;
    my $third = int( @samples / 3 );

    if ($third && $time >= LONG_LIFE)
    {
        my @middle = @samples[$third .. 2 * $third - 1];
        my @last = @samples[2 * $third .. 3 * $third - 1];
        my %life = (time => $time);

        foreach my $name ("memory", "descriptors")
        {
            $life{$name} = [median( $name, @middle ), median( $name, @last ), (sort { $b <=> $a } map { $_->{$name} } @samples)[0]];
        }
        push @lives, \%life;
        my ($before, $after) = @{$life{memory}};
        violation( "wineserver used $before kB in the second third of its life, and $after kB in the last" )
            if $after > $before * MORE_MEMORY + MORE_KILOBYTES;
    }
    @samples = ();
}

# A thread that makes a call notices that wineserver is gone, and ends; one of Wine's that waits for an object never does. The wineserver that
# comes next has the store as it was acknowledged.
sub kill_wineserver()
{
    kill KILL => processes_of( "wineserver" );
    sleep 1;
    kill KILL => processes_of( "" );
    foreach my $pid (keys %worker)
    {
        waitpid $pid, 0;
        reap( $pid );
    }
    close $holder;
    $wineserver = "";
    $killed_servers++;
    my $count = look_at_store();
    start_prefix();
    look_at_store();
    return $count;
}

# A copy has what is in the registry's files, which are written when the prefix ends.
system "wineserver -k; wineserver -w";
start_prefix();
my $files_before = files();

my $start = time;
my $end = $start + $seconds;
my $next_look = $start;
my $next_word = $start + 10;

# wineserver is killed in the first 60 %: the rest is one long life
my ($life_start, $next_kill) = ($start, $in_wine ? $start + 10 + rand 60 : 9e9);
my $last_kill = $start + $seconds * 0.6;

start_worker( $seconds ) foreach 1 .. $workers;
while (%worker || $fault_pid)
{
    my $now = time;

    while ((my $pid = waitpid( -1, WNOHANG )) > 0)
    {
        if ($pid == $fault_pid)
        {
            end_fault( $? );
            next;
        }
        start_worker( int( $end - $now ) ) if reap( $pid ) && $end - $now > 2;
    }
    start_fault() if %faults && !$fault_pid && $now > $fault_end + GRACE && $now < $end - 10;
    if ($now >= $next_look)
    {
        look();
        look_for_several( "portguard" );
        look_for_several( "portserver.exe" );
        look_for_wineserver();
        sample() if $in_wine;
        $next_look = $now + 1;
        # a worker every 2 seconds, the server every 5; the last ones clean up, all of them
        if ($now < $end - 5 && %worker && !int rand 2)
        {
            my @pids = keys %worker;
            $killed_workers += kill KILL => $pids[rand @pids];
        }
        if (!$in_wine && $now < $end && !int( rand 5 ) && !is_spared( $now ))
        {
            $killed_servers += kill KILL => $_ foreach processes_of( "portserver.exe" );
        }
    }
    if ($now >= $next_kill && $now < $last_kill && !is_spared( $now ))
    {
        end_life( $now - $life_start );
        my $count = kill_wineserver();
        $now = time;
        printf "%4d s: wineserver was killed; %d persistent reservations came back\n", $now - $start, $count;
        ($life_start, $next_kill) = ($now, $now + 10 + rand 60);
        start_worker( int( $end - $now ) ) foreach 1 .. $workers;
    }
    if ($now >= $next_word)
    {
        printf "%4d s: %d workers started, %d killed, server killed %d times, %d looks, %d calls failed, %d violations%s\n",
            $now - $start, $started, $killed_workers, $killed_servers, $looks, sum0( values %failed ), $violations, $fault ? "; now: $fault" : "";
        $next_word = $now + 10;
    }
    if ($now > $end + 60)
    {
        violation( scalar( keys %worker ) . " workers hang" );
        kill KILL => keys %worker;
        last;
    }
    sleep 0.05;
}

end_life( time - $life_start );

# nothing may be left, once the last watch has been heard of
my ($left, $guards, $descriptors, @more);
for (my $try = 0; $try < 40; $try++)
{
    $left = `"$ENV{WINE_PORTRES}" list 2>&1`;
    $guards = `"$ENV{WINE_PORTRES}" status 2>&1` =~ /^guard: (\d+) ports are guarded/m ? $1 : "unknown";
    $descriptors = descriptors();
    @more = grep { $descriptors->{$_} > $descriptors_before->{$_} + SOME_DESCRIPTORS } sort keys %$descriptors;
    last if $left !~ /runtime|persistent/ && $guards eq "0" && !@more;
    sleep 0.5;
}
violation( "reservations are left behind:\n$left" ) if $left =~ /runtime|persistent/;
violation( "guards are left behind: $guards\n" . `tail -n 20 "$prefix/drive_c/windows/system32/portres/portserver.log" 2>/dev/null` ) if $guards ne "0";
violation( "$_ has $descriptors->{$_} descriptors, and had $descriptors_before->{$_}" ) foreach @more;

close $holder;
system "wineserver -k; wineserver -w";
my @left;
for (my $try = 0; $try < 50; $try++)
{
    @left = left_of( $prefix );
    last unless @left;
    sleep 0.2;
}
violation( "processes are left behind: @left" ) if @left;
my @files = grep { !$files_before->{$_} } sort keys %{files()};
violation( "files are left behind: @files" ) if @files;

printf "soak: %d looks in %d s, %d workers (%d killed), server killed %d times\n", $looks, time - $start, $started,
    $killed_workers, $killed_servers;
printf "soak: out of order: %s; %d calls failed for it\n", join( ", ", map { "$_ $faults_done{$_} times" } sort keys %faults_done ), sum0( values %failed );
print "soak: $_, $failed{$_} times\n" foreach sort keys %failed;
print "soak: left at the end: ", scalar( @left ), " processes, ", scalar( @files ), " files, $guards guards; descriptors: ",
    join( ", ", map { "$_ $descriptors->{$_} ($descriptors_before->{$_} before)" } sort keys %$descriptors ), "\n";
foreach my $life (@lives)
{
    printf "soak: a wineserver of %d s: %d kB in the second third, %d kB in the last, %d at most; descriptors: %d, %d, %d at most\n", $life->{time},
        @{$life->{memory}}, @{$life->{descriptors}};
}
printf "soak: %d tests, %d failures\n", $looks + $started + 1, $violations;
exit( $violations != 0 );
