# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::FakeRedis;

# A Redis that misbehaves: on a unix socket, in a process of its own.
#
#     my $fake = TLSRPT::FakeRedis->new($path, sub {
#         my ($socket, $command, $words, $connection) = @_;
#         return $command eq 'EVAL' ? "-LOADING\r\n" : ":1\r\n";
#     });
#
# What the function returns is sent; undef: nothing is; '': the connection is
# closed; [PIECE, ...]: the pieces, a moment between them, and then the
# connection is closed if the last one is ''.  Connections count from 1.

use strict;
use warnings;

use IO::Select;
use IO::Socket::UNIX;
use POSIX ();
use Time::HiRes qw(sleep);

my $MOMENT = 0.001;

sub new {
    my ($class, $path, $answer) = @_;

    unlink "$path.log";
    my $listen = listen_at($path);

    my $pid = fork();
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        $SIG{PIPE} = 'IGNORE';
        open my $log, '>>', "$path.log" or die "$path.log: $!";
        $log->autoflush(1);
        eval { serve($listen, $answer, $log); 1 } or print $log "DIED $@";
        POSIX::_exit(0);
    }

    return bless { pid => $pid, path => $path }, $class;
}

# A socket on which nobody listens.
sub refuse {
    my ($path) = @_;

    listen_at($path);

    return;
}

# There is always something at the path: nginx looks by itself now and then, and
# a name that is not there is a crit in its log.
sub listen_at {
    my ($path) = @_;

    unlink "$path.new";
    my $listen = IO::Socket::UNIX->new(Local => "$path.new", Listen => 16)
        or die "$path.new: $!";
    rename "$path.new", $path or die "$path: $!";

    return $listen;
}

sub serve {
    my ($listen, $answer, $log) = @_;

    my $select = IO::Select->new($listen);
    my ($connections, %number, %input) = (0);

    for (;;) {
        for my $socket ($select->can_read) {
            if ($socket == $listen) {
                my $new = $listen->accept;
                $number{$new} = ++$connections;
                $input{$new} = '';
                $select->add($new);
                next;
            }

            my $got = sysread $socket, my $bytes, 65536;
            $input{$socket} .= $bytes if $got;

            my $open = $got;
            while ($open && defined(my $words = take(\$input{$socket}))) {
                my $command = uc $words->[0];
                print $log "$number{$socket} ",
                    is_poll($words) ? 'POLL' : $command, "\n";
                my $reply = $answer->($socket, $command, $words,
                                      $number{$socket});
                $open = send_reply($socket, $reply);
            }

            if (!$open) {
                $select->remove($socket);
                delete $input{$socket};
                delete $number{$socket};
                close $socket;
            }
        }
    }

    return;
}

# Is it what nginx sends by itself, or beside a report, so that problems are
# worked out, or so that it is known which policies are served?
sub is_poll {
    my ($words) = @_;

    return grep {
        /^TIME\z|:(?:due|lease:problems|served|fetches)\z/
        || /:\{checks\}:(?:names|nodes)\z/
    } @$words;
}

# Whether the connection stays.
sub send_reply {
    my ($socket, $reply) = @_;

    return 1 unless defined $reply;

    for my $piece (ref $reply ? @$reply : $reply) {
        return 0 if $piece eq '';
        syswrite $socket, $piece;
        sleep $MOMENT if ref $reply;
    }

    return 1;
}

# Takes one whole command off the input: its words.
sub take {
    my ($input) = @_;

    my ($words) = $$input =~ /\A\*(\d+)\r\n/ or return;
    my $at = $+[0];
    my @words;

    for (1 .. $words) {
        substr($$input, $at, 32) =~ /\A\$(\d+)\r\n/ or return;
        my $start = $at + $+[0];
        return if length $$input < $start + $1 + 2;
        push @words, substr $$input, $start, $1;
        $at = $start + $1 + 2;
    }

    substr $$input, 0, $at, '';

    return \@words;
}

# Asks a real Redis the same: its reply, as it came.
sub forward {
    my ($path, $words) = @_;

    my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!";
    print $socket join '', '*' . @$words . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @$words;
    $socket->flush;

    return raw_reply($socket);
}

sub raw_reply {
    my ($socket) = @_;

    local $/ = "\r\n";
    my $line = <$socket>;

    if ($line =~ /^\$(\d+)/) {
        read $socket, my $bulk, $1 + 2;
        return $line . $bulk;
    }
    if ($line =~ /^\*(\d+)/) {
        return join '', $line, map { raw_reply($socket) } 1 .. $1;
    }

    return $line;
}

# What was received: "CONNECTION COMMAND", in order; "CONNECTION POLL" is what
# nginx sends by itself.
sub commands {
    my ($self) = @_;

    open my $fh, '<', "$self->{path}.log" or return;
    chomp(my @lines = <$fh>);

    return @lines;
}

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;        # what is left at the path refuses

    return;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);
    $self->stop;

    return;
}

1;
