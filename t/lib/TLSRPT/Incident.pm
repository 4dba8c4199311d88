# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Incident;

# Incidents in a world (World.pm), each at a domain of its own: at first nothing
# is wrong, then all break, then all are repaired.  Each is found by the check,
# told, and over after the repair.  prove -v shows what is told.
#
#     incidents(
#         'the record is removed' => {
#             break => sub { $_[0]{records}{'_smtp._tls'} = [] },
#             type => 'record-missing', says => [qr/_smtp\._tls\.$D/],
#         }, ...);

use strict;
use warnings;

use parent 'Exporter';

use Storable qw(dclone);
use Test::More import => [qw(is ok like isnt note diag subtest done_testing)];

use TLSRPT::World;

our @EXPORT = qw(incidents);

use constant DAY => 86400;

# Pairs of a name and
#
#     prepare   function of the site and the world: how it is at first
#     break     likewise; the repair takes back what it did
#     type      of the problem
#     says      what its words hold; DOMAIN stands for the domain's name
#     signed, ipv6, lost: of the zone; of the policy host; how lost-mail begins
sub incidents {
    my (@list) = @_;

    my (@incidents, $n);

    while (my ($name, $incident) = splice @list, 0, 2) {
        push @incidents, { %$incident, name => $name,
                           domain => 'shop' . ++$n . '.example' };
    }

    my $world = TLSRPT::World->new(
        domains => [map { $_->{domain} } @incidents],
        map({ my $what = $_;
              $what => [map { $_->{domain} } grep { $_->{$what} } @incidents]
            } qw(signed ipv6)),
        policy => sub { "mode=enforce max_age=7d mx=mx1.$_[0] mx=mx2.$_[0]" });
    prepare($world, $_) for @incidents;
    $world->start;

    first($world, @incidents);
    broken($world, @incidents);
    repaired($world, @incidents);
    is $world->stop, '', 'nothing bad in the logs';
    done_testing;

    return;
}

sub prepare {
    my ($world, $incident) = @_;

    my $site = $world->site($incident->{domain});
    $incident->{prepare}->($site, $world) if $incident->{prepare};

    return;
}

# A day has to pass before a record is missed.
sub first {
    my ($world, @incidents) = @_;

    ok $world->looked($world->now - 60), 'all are looked at'
        or die $world->rspamd->log;
    $world->later(2 * DAY);
    ok $world->looked($world->now - 60), 'and again, later'
        or diag $world->rspamd->log;
    is join("\n", map { told($_) } $world->problems($_->{domain})), '',
        "nothing is wrong: $_->{name}" for @incidents;

    return;
}

sub broken {
    my ($world, @incidents) = @_;

    for my $incident (@incidents) {
        my $site = $world->site($incident->{domain});
        # its certificates have keys that cannot be copied
        $incident->{was} = {
            records => dclone($site->{records}),
            host => { %{ $site->{host} } },
            mx => [map { { %$_ } } @{ $site->{mx} }],
        };
        $incident->{break}->($site, $world);
    }

    $world->publish;
    $world->later(1.1 * DAY);
    ok $world->looked($world->now - 60), 'all are looked at after they broke'
        or diag $world->rspamd->log;
    subtest $_->{name} => \&found, $world, $_ for @incidents;

    return;
}

# The words of a problem as one text.
sub told {
    my ($problem) = @_;

    return join "\n", map { $_ // () }
        "[$problem->{'result-type'}, $problem->{severity}] $problem->{title}",
        @{$problem}{qw(meaning likely-cause lost-mail)},
        map { '  - ' . $_->{text}
              . ($_->{command} ? "\n      \$ $_->{command}" : '') }
        @{ $problem->{steps} };
}

sub opened {
    my ($world, $domain, $event) = @_;

    my @events;
    TLSRPT::Server::wait_until(15, sub {
        @events = grep { $_->{type} eq $event } $world->events($domain);
    });

    return @events;
}

sub found {
    my ($world, $incident) = @_;

    my $domain = $incident->{domain};
    my ($event) = opened($world, $domain, 'problem-opened');
    ok $event, 'an event says so' or diag explain_seen($world, $domain);
    my @problems = $world->problems($domain);
    is join(' ', map { $_->{'result-type'} } @problems), $incident->{type},
        'it is the one problem' or diag join "\n\n", map { told($_) } @problems;
    my ($problem) = grep { $_->{'result-type'} eq $incident->{type} } @problems
        or return diag explain_seen($world, $domain);

    my $text = told($problem);
    note "event: $event->{title}\n$text" if $event;
    ok $problem->{ongoing}, 'it goes on';
    ok $problem->{via}{check}, 'a check has seen it';
    is $event && $event->{'problem-id'}, $problem->{id}, 'the event names it';
    ok scalar @{ $problem->{steps} }, 'it has steps';
    for my $like (@{ $incident->{says} }) {
        my $pattern = $like =~ s/DOMAIN/\Q$domain\E/gr;
        like $text, qr/$pattern/, "it says $like";
    }
    like $problem->{'lost-mail'}, qr/^$incident->{lost}\b/, 'lost mail'
        if $incident->{lost};

    return;
}

sub explain_seen {
    my ($world, $domain) = @_;

    return 'seen: ' . ($world->redis('GET', "tlsrpt:{$domain}:check") // '-')
        . "\nserved: "
        . ($world->redis('GET', "tlsrpt:{$domain}:served") // '-');
}

sub repaired {
    my ($world, @incidents) = @_;

    for my $incident (@incidents) {
        my $site = $world->site($incident->{domain});
        @{$site}{qw(records host mx)} = @{ $incident->{was} }{
            qw(records host mx)};
        $incident->{repair}->($site, $world) if $incident->{repair};
    }

    $world->publish;
    $world->later(1.1 * DAY);
    ok $world->looked($world->now - 60), 'all are looked at after the repair'
        or diag $world->rspamd->log;

    for my $incident (@incidents) {
        my $domain = $incident->{domain};
        my ($event) = opened($world, $domain, 'problem-resolved');
        ok $event, "over: $incident->{name}"
            or diag explain_seen($world, $domain);
        my @open = grep { !defined $_->{ongoing} || $_->{ongoing} }
            $world->problems($domain);
        is join("\n", map { told($_) } @open), '', 'nothing is open';
        note "event: $event->{title}" if $event;
    }

    return;
}

1;
