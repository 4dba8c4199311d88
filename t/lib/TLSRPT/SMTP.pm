# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::SMTP;

# What the private mail servers of the tests have in common: they listen on a
# port of 127.0.0.1, and deliver into a maildir.  A subclass has start, stop,
# log, and commands: those up to DATA.

use strict;
use warnings;

use IO::Socket::INET;

use TLSRPT::Server;

sub new {
    my ($class, %args) = @_;

    return bless {
        port => TLSRPT::Server::free_port(),
        dir  => $args{server}->dir . '/' . lc($class =~ s/.*:://r),
        %args,
    }, $class;
}

sub dir { return $_[0]{dir} }

sub commands {
    return ('EHLO sender.example', 'MAIL FROM:<bounce@sender.example>',
            "RCPT TO:<$_[0]{recipient}>", 'DATA');
}

sub wait_listens {
    my ($self) = @_;

    TLSRPT::Server::wait_until(30, sub { $self->connect })
        or die ref($self) . ' does not listen: ' . $self->log;

    return $self;
}

sub connect {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{port}, Timeout => 60);
}

# The last line of a reply.
sub reply {
    my ($socket) = @_;

    local $/ = "\r\n";
    while (defined(my $line = <$socket>)) {
        chomp $line;
        return $line if $line =~ /^\d{3}(?: |\z)/;
    }

    return '';
}

sub command {
    my ($socket, $command) = @_;

    print $socket "$command\r\n";
    $socket->flush;

    return reply($socket);
}

# Sends the mail; the reply to its last line, or the one that came in place of
# what a client goes on after.
sub send {
    my ($self, $mail, $recipient) = @_;

    local $self->{recipient} = $recipient || 'tlsrpt@example.com';
    local $SIG{ALRM} = sub { die ref($self) . ": no answer\n" };
    alarm 120;
    my $reply = $self->talk($mail);
    alarm 0;

    return $reply;
}

sub talk {
    my ($self, $mail) = @_;

    my $socket = $self->connect or die ref($self) . ": $!";
    my $reply = reply($socket);

    for my $command ($self->commands) {
        return $reply if $reply !~ /^2/;
        $reply = command($socket, $command);
    }

    return $reply if $reply !~ /^354/;

    $mail =~ s/^\./../mg;
    $reply = command($socket, "$mail.");
    print $socket "QUIT\r\n";

    return $reply;
}

# The mails delivered so far.
sub delivered {
    my ($self) = @_;

    return map { $self->{server}->read_file($_) }
        glob $self->dir . '/mail/inbox/new/*';
}

# Waits until so many are.
sub wait_delivered {
    my ($self, $n) = @_;

    return TLSRPT::Server::wait_until(20, sub {
        my @mails = $self->delivered;
        return @mails >= $n;
    });
}

sub DESTROY {
    my ($self) = @_;

    local ($?, $@);
    $self->stop;

    return;
}

1;
