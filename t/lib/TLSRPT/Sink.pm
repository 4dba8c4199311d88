# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Sink;

# A web server on loopback that takes webhooks: it keeps what it was sent, and
# answers as it is told to.
#
#     my $sink = TLSRPT::Sink->new(server => $server)->start;
#     $sink->answer(429, 'Retry-After' => 60);
#     $sink->url; $sink->wait_requests(1);
#     my ($request) = $sink->requests;      # path, headers, body, status
#
# https => 1: by TLS, with the certificate of TLSRPT::Certificate.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP ();
use POSIX ();

use TLSRPT::Server;

my $JSON = JSON::PP->new->latin1->canonical;

sub new {
    my ($class, %args) = @_;

    my $self = bless {
        name => 'sink', port => TLSRPT::Server::free_port(), %args,
    }, $class;

    $self->answer(200);

    return $self;
}

sub path { return $_[0]{server}->dir . "/$_[0]{name}.$_[1]" }

sub url {
    my ($self, $path) = @_;

    return sprintf '%s://localhost:%d%s', $self->{https} ? 'https' : 'http',
        $self->{port}, $path // '/hook';
}

# From now on.  Status 0: no answer; "cut": an answer is begun.
sub answer {
    my ($self, $status, %headers) = @_;

    my $path = $self->path('answer');
    $self->{server}->write_file("$path.new", $JSON->encode(
        { status => $status, headers => \%headers }));
    rename "$path.new", $path or die "$path: $!";

    return $self;
}

sub requests {
    my ($self) = @_;

    return map { $JSON->decode($_) }
        split /^/, $self->{server}->read_file($self->path('log'));
}

sub wait_requests {
    my ($self, $n, $seconds) = @_;

    return TLSRPT::Server::wait_until($seconds || 15, sub {
        my @requests = $self->requests;
        return @requests >= $n;
    });
}

# The server: one request a connection.
sub start {
    my ($self) = @_;

    my $listen = IO::Socket::INET->new(Listen => 64, ReuseAddr => 1,
        LocalAddr => '127.0.0.1', LocalPort => $self->{port})
        or die "sink: $!";
    my $parent = $$;
    my $pid = fork // die "fork: $!";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
        $SIG{PIPE} = 'IGNORE';
        $self->serve($listen, $parent);
        POSIX::_exit(0);
    }

    $self->{pid} = $pid;

    return $self;
}

sub serve {
    my ($self, $listen, $parent) = @_;

    my $ready = '';
    vec($ready, fileno $listen, 1) = 1;

    while (getppid == $parent) {
        next if select(my $got = $ready, undef, undef, 0.5) <= 0;
        my $socket = $listen->accept or next;
        eval { $self->serve_one($socket); 1 } or print STDERR "sink: $@";
    }

    return;
}

sub secure {
    my ($self, $socket) = @_;

    require IO::Socket::SSL;

    return IO::Socket::SSL->start_SSL($socket, SSL_server => 1,
        SSL_cert_file => $self->{https}->certificate,
        SSL_key_file  => $self->{https}->key, Timeout => 5);
}

sub serve_one {
    my ($self, $socket) = @_;

    local $SIG{ALRM} = sub { die "no request in time\n" };
    alarm 10;
    $socket = $self->secure($socket) or return if $self->{https};

    my ($line, @lines) = TLSRPT::Server::read_head($socket) or return;
    my %headers = map { /^([^:]+):\s*(.*)$/ ? (lc $1 => $2) : () } @lines;
    read $socket, my $body, $headers{'content-length'} || 0;
    alarm 0;

    my $answer = $JSON->decode($self->{server}->read_file(
        $self->path('answer')));
    $self->keep({ path => (split ' ', $line)[1], headers => \%headers,
                  body => $body, status => $answer->{status} });

    # whoever asked gives up, or is ended
    if ($answer->{status} eq 0) {
        push @{ $self->{mute} }, $socket;
        return;
    }

    my $text = "status $answer->{status}\n";
    print $socket join '', "HTTP/1.1 $answer->{status} X\r\n",
        map({ "$_: $answer->{headers}{$_}\r\n" } sort keys
            %{ $answer->{headers} }),
        'Content-Length: ' . length($text) . "\r\nConnection: close\r\n\r\n",
        $text;
    close $socket;

    return;
}

sub keep {
    my ($self, $request) = @_;

    open my $fh, '>>', $self->path('log') or die "log: $!";
    syswrite $fh, $JSON->encode($request) . "\n";
    close $fh;

    return;
}

sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;

    return;
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $@);
    $self->stop;

    return;
}

1;
