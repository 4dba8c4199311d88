# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Made;

# Reports that are made up and not regular, the same for the same seed: senders
# come and go, some miss days, counts and addresses vary, some days fail; and
# what they add up to, reckoned apart from all else.
#
#     my $made = TLSRPT::Made->new(seed => 7, domain => 'example.com');
#     for my $report ($made->day('2026-01-05')) { ... }

use strict;
use warnings;

my @NAMES = qw(Alder Birch Cedar Dogwood Elm Fir Gorse Hazel Ivy Juniper Kapok
    Larch Maple Nutmeg Oak Pine Quince Rowan Spruce Teak Ulmus Viburnum Willow
    Yew Zelkova Acacia Beech Chestnut);
my @KINDS = ('Mail', 'Systems', 'Networks', 'Hosting', 'Inc.', 'GmbH',
    '& Sons', 'University');
my @TYPES = qw(starttls-not-supported certificate-expired
    certificate-host-mismatch validation-failure sts-policy-fetch-error
    tlsa-invalid certificate-not-trusted);

sub new {
    my ($class, %args) = @_;

    my $self = bless {
        seed => 1, domain => 'example.com', reports => 20, failing => 0.15,
        %args, state => 0, senders => [],
    }, $class;

    $self->{state} = ($self->{seed} * 2654435761 + 12345) % 4294967296;
    push @{ $self->{senders} }, $self->sender for 1 .. $self->{reports} * 1.2;

    return $self;
}

# The next number of a linear congruential generator, from 0 up to below $_[1].
sub pick {
    my ($self, $below) = @_;

    $self->{state} = ($self->{state} * 1664525 + 1013904223) % 4294967296;

    return int(($self->{state} >> 8) / 16777216 * $below);
}

sub chance { return $_[0]->pick(1_000_000) < $_[1] * 1_000_000 }

# Few are large, many are small.
sub size {
    my ($self) = @_;

    return int(exp($self->pick(900) / 100)) + 1;
}

sub address {
    my ($self) = @_;

    return $self->chance(0.2)
        ? sprintf('2001:db8:%x::%x', $self->pick(65536), $self->pick(65536) + 1)
        : sprintf('198.51.100.%d', $self->pick(254) + 1);
}

sub sender {
    my ($self) = @_;

    my $name = join ' ', $NAMES[$self->pick(scalar @NAMES)],
        $KINDS[$self->pick(scalar @KINDS)], ++$self->{nsenders};

    return {
        name => $name, size => $self->size, misses => $self->pick(25) / 100,
        type => ('sts', 'sts', 'tlsa', 'no-policy-found')[$self->pick(4)],
        addresses => [map { $self->address } 0 .. $self->pick(4)],
    };
}

sub details {
    my ($self, $sender, $failed) = @_;

    my @details;

    while ($failed > 0 && @details < 6) {
        my $part = @details == 5 ? $failed : $self->pick($failed) + 1;
        push @details, {
            'result-type' => $TYPES[$self->pick(scalar @TYPES)],
            'sending-mta-ip' => $sender->{addresses}[
                $self->pick(scalar @{ $sender->{addresses} })],
            'receiving-mx-hostname' =>
                'mx' . ($self->pick(3) + 1) . ".$self->{domain}",
            $self->chance(0.5)
                ? ('receiving-ip' => '203.0.113.' . ($self->pick(9) + 1)) : (),
            'failed-session-count' => $part,
        };
        $failed -= $part;
    }

    return \@details;
}

sub report {
    my ($self, $sender, $day) = @_;

    my $sessions = int($sender->{size} * (0.5 + $self->pick(1000) / 1000)) + 1;
    my $failed = $self->chance($self->{failing}) ? $self->pick($sessions) + 1
                                                 : 0;

    return {
        'organization-name' => $sender->{name},
        'date-range' => { 'start-datetime' => "${day}T00:00:00Z",
                          'end-datetime' => "${day}T23:59:59Z" },
        'contact-info' => 'tlsrpt@sender.example',
        'report-id' => sprintf('%s.%08x', $day, $self->pick(1 << 30)),
        policies => [{
            policy => { 'policy-type' => $sender->{type},
                        'policy-domain' => $self->{domain} },
            summary => {
                'total-successful-session-count' => $sessions - $failed,
                'total-failure-session-count' => $failed,
            },
            $failed ? ('failure-details' => $self->details($sender, $failed))
                    : (),
        }],
    };
}

# The day's reports, YYYY-MM-DD; days go on: senders come and go with each.
sub day {
    my ($self, $day) = @_;

    my $senders = $self->{senders};

    $senders->[$self->pick(scalar @$senders)] = $self->sender
        if $self->chance(0.2);

    return map { $self->report($_, $day) }
        grep { !$self->chance($_->{misses}) } @$senders;
}

# Counts a report: by day; by result-type.
sub reckon {
    my ($sums, $report) = @_;

    my $day = substr $report->{'date-range'}{'start-datetime'}, 0, 10;
    my ($policy) = @{ $report->{policies} };
    my $of_day = $sums->{days}{$day} ||= [0, 0, 0];
    my $of_sender = $sums->{senders}{ $report->{'organization-name'} }
        ||= [0, 0, 0];

    for my $sum ($of_day, $of_sender, $sums->{all} ||= [0, 0, 0]) {
        $sum->[0]++;
        $sum->[1] += $policy->{summary}{'total-successful-session-count'};
        $sum->[2] += $policy->{summary}{'total-failure-session-count'};
    }

    $sums->{types}{ $_->{'result-type'} } += $_->{'failed-session-count'}
        for @{ $policy->{'failure-details'} || [] };

    return;
}

# The same of an answer: groups by one key, the counts of each.
sub groups {
    my ($answer, $key) = @_;

    return { map {
        ($_->{$key} => exists $_->{reports}
            ? [@$_{qw(reports total-successful-session-count
                      total-failure-session-count)}]
            : $_->{'failed-session-count'})
    } @{ $answer->{groups} } };
}

1;
