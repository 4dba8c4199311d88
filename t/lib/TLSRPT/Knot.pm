# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Knot;

# A name server of the test's own, Knot DNS, for zones that the test writes:
#
#     my $dns = TLSRPT::Knot->new(server => $server)
#         ->zone('example.com', '_smtp._tls TXT "v=TLSRPTv1; rua=..."')
#         ->start;
#     $dns->zone('example.com', ...);     # again, with others
#
# It is the resolver of the test's rspamd, too: a zone's server is itself.  Each
# has an address of its own on loopback, and port 53 where the test may have
# that; else rspamd's module runs with its port in place of 53:
#
#     TLSRPT::Rspamd->new($dns->for_rspamd, ...)

use strict;
use warnings;

use IO::Socket::INET;

use TLSRPT::Server;

# server    the TLSRPT::Server whose directory and processes are used
# name      of the files in it
# signed    zones that are signed (DNSSEC); ds(ZONE): what a resolver trusts
sub new {
    my ($class, %args) = @_;

    my $self = bless { name => 'knot', zones => {}, serial => 1, signed => [],
                       %args }, $class;
    my $id = $$ + 7919 * ($self->{nth} // 0);
    $self->{address} = sprintf '127.%d.%d.%d', 10 + $id / 40000 % 100,
        1 + $id / 200 % 200, 10 + $id % 200;
    $self->{port} = $> == 0 ? 53 : TLSRPT::Server::free_port();

    return $self;
}

sub address { return $_[0]{address} }
sub port { return $_[0]{port} }
sub dir { return $_[0]{server}->dir . "/$_[0]{name}" }

# Writes a zone's records, as lines of a zone file, and has them served.
sub zone {
    my ($self, $zone, @records) = @_;

    return $self->zones($zone => \@records);
}

# Several at once: ZONE => [RECORDS].
sub zones {
    my ($self, %zones) = @_;

    @{ $self->{zones} }{keys %zones} = values %zones;

    if ($self->{pid}) {
        $self->write_zone($_) for keys %zones;
        $self->reload(keys %zones);
    }

    return $self;
}

sub write_zone {
    my ($self, $zone) = @_;

    # a signed one's goes up by itself
    my $serial = $self->{serial_of}{$zone} = $self->{serial} += 10;
    my @records = @{ $self->{zones}{$zone} };
    my $text = join "\n", "\$ORIGIN $zone.", '$TTL 1',
        "\@ SOA ns1 hostmaster $serial 3600 600 86400 1",
        (grep { /^\@\s+NS\s/ } @records)
            ? () : ('@ NS ns1', "ns1 A $self->{address}"), @records, '';
    $self->{server}->write_file("$self->{name}/$zone.zone", $text);

    return;
}

# Waits until it serves what was written.
sub reload {
    my ($self, @zones) = @_;

    kill 'HUP', $self->{pid};
    TLSRPT::Server::wait_until(10, sub { $self->serves(@zones) })
        or die 'knot: ' . $self->log;

    return;
}

sub serves {
    my ($self, @zones) = @_;

    my $log = $self->log;

    for my $zone (@zones) {
        my $serial = $self->{serial_of}{$zone};
        return 0 if $log !~ /\[\Q$zone\E\.\].*serial .*\b$serial\b/;
    }

    return 1;
}

# From the next reload on the zone is signed, or is not, whatever a resolver has
# for it.
sub sign {
    my ($self, $zone, $is_signed) = @_;

    $self->{signed} = [(grep { $_ ne $zone } @{ $self->{signed} }),
                       $is_signed ? $zone : ()];
    $self->{server}->write_file("$self->{name}/knot.conf", $self->config);

    return;
}

sub is_signed { return grep { $_ eq $_[1] } @{ $_[0]{signed} } }

# The DS record of a signed zone.
sub ds {
    my ($self, $zone) = @_;

    my $dir = $self->dir;
    my ($ds) = grep { / DS \d+ \d+ 2 / } qx(keymgr -c $dir/knot.conf $zone ds);
    defined $ds or die "no DS of $zone: " . $self->log;
    chomp $ds;

    return $ds;
}

sub config {
    my ($self) = @_;

    my $dir = $self->dir;
    my $zones = join '', map {
        "  - domain: $_\n    file: $dir/$_.zone\n"
            . ($self->is_signed($_) ? "    dnssec-signing: on\n" : '')
    } sort keys %{ $self->{zones} };

    return <<"END";
server:
    rundir: $dir
    pidfile: $dir/knot.pid
    listen: $self->{address}\@$self->{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: $dir
log:
  - target: $dir/knot.log
    any: info
template:
  - id: default
    storage: $dir
    zonefile-load: whole
    journal-content: none
    zonefile-sync: -1
zone:
$zones
END
}

sub start {
    my ($self) = @_;

    my $dir = $self->dir;
    mkdir $dir;
    $self->write_zone($_) for keys %{ $self->{zones} };
    $self->{server}->write_file("$self->{name}/knot.conf", $self->config);
    $self->{pid} = $self->{server}->spawn("$dir/knot.out", {}, 'knotd', '-c',
        "$dir/knot.conf");

    TLSRPT::Server::wait_until(10, sub {
        return IO::Socket::INET->new(PeerAddr => $self->{address},
                                     PeerPort => $self->{port});
    }) or die 'knot does not listen: ' . $self->log
        . $self->{server}->read_file("$dir/knot.out");

    return $self;
}

sub stop {
    my ($self) = @_;

    TLSRPT::Server::end_process(delete $self->{pid}, 'TERM') if $self->{pid};

    return;
}

sub log { return $_[0]{server}->read_file($_[0]->dir . '/knot.log') }

# Arguments of TLSRPT::Rspamd->new: its resolver, and its port.
sub for_rspamd {
    my ($self) = @_;

    my @args = (nameserver => "$self->{address}:$self->{port}");
    my $port = $self->{port};

    push @args, edit_module => 'dns',
        edit => sub { s/^local PORT = 53$/local PORT = $port/m }
        if $port != 53;

    return @args;
}

sub DESTROY { $_[0]->stop }

1;
