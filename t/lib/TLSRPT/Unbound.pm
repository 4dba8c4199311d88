# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Unbound;

# A resolver of the test's own: it asks the test's name server alone, remembers
# nothing, and says AD of what is signed there.
#
#     my $resolver = TLSRPT::Unbound->new(server => $server, dns => $knot)
#         ->start;
#     TLSRPT::Rspamd->new($resolver->for_rspamd, ...)

use strict;
use warnings;

use IO::Socket::INET;

use TLSRPT::Server;

# server    the TLSRPT::Server whose directory and processes are used
# dns       the TLSRPT::Knot, which has all its zones
sub new {
    my ($class, %args) = @_;

    my $self = bless { name => 'unbound', %args }, $class;
    ($self->{address} = $self->{dns}->address) =~ s/^127\.(\d+)/
        '127.' . ($1 + 100)/e;

    return $self;
}

sub address { return $_[0]{address} }
sub dir { return $_[0]{server}->dir . "/$_[0]{name}" }

sub config {
    my ($self) = @_;

    my ($dir, $dns) = ($self->dir, $self->{dns});
    my $from = $dns->address . '@' . $dns->port;
    my $anchors = join '', map { "    trust-anchor: \"$_\"\n" }
        map { $dns->ds($_) } @{ $dns->{signed} };
    my $zones = join '', map { <<"END" } '.', sort keys %{ $dns->{zones} };
stub-zone:
    name: "$_"
    stub-addr: $from
END

    return <<"END";
server:
    interface: $self->{address}
    port: ${\ $dns->port }
    directory: "$dir"
    pidfile: "$dir/unbound.pid"
    logfile: "$dir/unbound.log"
    use-syslog: no
    chroot: ""
    username: ""
    do-daemonize: no
    num-threads: 1
    do-ip6: no
    do-not-query-localhost: no
    access-control: 127.0.0.0/8 allow
    module-config: "validator iterator"
    cache-max-ttl: 0
    cache-max-negative-ttl: 0
    infra-host-ttl: 1
    qname-minimisation: no
    aggressive-nsec: no
    root-hints: ""
$anchors
remote-control:
    control-enable: no
$zones
END
}

sub start {
    my ($self) = @_;

    my $dir = $self->dir;
    mkdir $dir;
    $self->{server}->write_file("$self->{name}/unbound.conf", $self->config);
    $self->{pid} = $self->{server}->spawn("$dir/unbound.out", {}, 'unbound',
        '-d', '-c', "$dir/unbound.conf");

    TLSRPT::Server::wait_until(10, sub {
        return IO::Socket::INET->new(PeerAddr => $self->{address},
                                     PeerPort => $self->{dns}->port);
    }) or die 'unbound does not listen: ' . $self->log
        . $self->{server}->read_file("$dir/unbound.out");

    return $self;
}

# A minute passes, for which it knows a zone's keys to be bad.
sub forget { return kill 'HUP', $_[0]{pid} }

sub log { return $_[0]{server}->read_file($_[0]->dir . '/unbound.log') }

sub stop {
    my ($self) = @_;

    TLSRPT::Server::end_process(delete $self->{pid}, 'TERM') if $self->{pid};

    return;
}

# Arguments of TLSRPT::Rspamd->new: its resolver.
sub for_rspamd {
    my ($self) = @_;

    return (nameserver => "$self->{address}:" . $self->{dns}->port,
            dns_options => 'timeout = 1s; retransmits = 2;'
                . ' enable_dnssec = true;');
}

sub DESTROY { $_[0]->stop }

1;
