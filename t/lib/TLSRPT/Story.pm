# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Story;

# Sixty days of six senders to three domains, as reports.  What went wrong:
#
#     example.com  for two weeks one sender sees no STARTTLS; all others do
#     example.net  for nine days the policy forgets an MX
#     example.org  the certificate of the backup MX expired, and was renewed
#
# The same days give the same reports.

use strict;
use warnings;

use List::Util qw(min);
use POSIX qw(floor strftime);

our $DAYS = 60;
our @EXPIRED = (20, 25);        # days ago
our $FORGOTTEN = 9;
our $STRIPPED = 14;

# When it is to be seen, in days ago, that something has begun or ended.
our @TURNS = (24, 16, 13, 8);

# Name, sessions of a weekday, sending IP, hours from the end of a day until its
# report comes.
my @SENDERS = (
    ['Alder Mail',        920, '192.0.2.10',      2],
    ['Birch Systems',     640, '192.0.2.77',      5],
    ['Cedar Networks',    210, '198.51.100.4',    1],
    ['Dogwood Hosting',    90, '198.51.100.99',   9],
    ['Elm University',     34, '2001:db8:25::7',  4],
    ['Fir & Sons Bank',    12, '192.0.2.201',    13],
);

our $STRIPPED_SENDER = 'Elm University';

my %DOMAINS = (
    'example.com' => { size => 2.6, mode => 'enforce', max_age => 1209600,
                       mx => ['mx1.example.com', 'mx2.example.com'] },
    'example.net' => { size => 0.4, mode => 'testing', max_age => 86400,
                       mx => ['*.mx.example.net'] },
    'example.org' => { size => 0.6, mode => 'enforce', max_age => 604800,
                       mx => ['mail.example.org', 'backup.example.org'] },
);

# Between 0 and 1, the same for the same numbers.
sub chance {
    my ($one, $other) = @_;

    my $n = 43758.5453 * sin($one * 12.9898 + $other * 78.233);

    return $n - floor($n);
}

sub sessions {
    my ($size, $sender, $ago) = @_;

    my $weekday = (gmtime(time - 86400 * $ago))[6];
    my $rest = $weekday == 0 || $weekday == 6 ? 0.45 : 1;

    return int($size * $rest * $SENDERS[$sender][1]
               * (0.8 + 0.4 * chance($ago, $sender))) + 1;
}

# What fails on a day: result-type, MX, its IP, sessions, more members.
sub failures {
    my ($domain, $sender, $ago, $sessions) = @_;

    my $half = int($sessions * 0.45);

    if ($domain eq 'example.org'
        && $ago >= $EXPIRED[0] && $ago <= $EXPIRED[1])
    {
        return ['certificate-expired', 'backup.example.org', '203.0.113.52',
                $half, 'failure-reason-code' => 'X509_V_ERR_CERT_HAS_EXPIRED'];
    }

    if ($domain eq 'example.net' && $ago <= $FORGOTTEN) {
        return ['validation-failure', 'relay.example.net', '203.0.113.33',
                int($sessions * 0.2)];
    }

    if ($domain eq 'example.com' && $ago <= $STRIPPED
        && $SENDERS[$sender][0] eq $STRIPPED_SENDER)
    {
        return ['starttls-not-supported', 'mx1.example.com', '203.0.113.11',
                $sessions];
    }

    return;
}

sub report {
    my ($domain, $sender, $ago) = @_;

    my ($name, undef, $ip) = @{ $SENDERS[$sender] };
    my $about = $DOMAINS{$domain};
    my $day = strftime('%Y-%m-%d', gmtime(time - 86400 * $ago));
    my $sessions = sessions($about->{size}, $sender, $ago);
    my ($failure) = failures($domain, $sender, $ago, $sessions);
    my ($type, $mx, $mx_ip, $failed, @more) = $failure && $failure->[3] > 0
        ? @$failure : (undef, undef, undef, 0);

    return {
        'organization-name' => $name,
        'date-range' => {
            'start-datetime' => "${day}T00:00:00Z",
            'end-datetime'   => "${day}T23:59:59Z",
        },
        'contact-info' => 'tls-reports@sender' . ($sender + 1) . '.example',
        'report-id' => "$day-$domain-$sender",
        policies => [{
            policy => {
                'policy-type'   => 'sts',
                'policy-string' => ['version: STSv1', "mode: $about->{mode}",
                                    (map { "mx: $_" } @{ $about->{mx} }),
                                    "max_age: $about->{max_age}"],
                'policy-domain' => $domain,
                'mx-host'       => $about->{mx},
            },
            summary => {
                'total-successful-session-count' => $sessions - $failed,
                'total-failure-session-count'    => $failed,
            },
            $failed ? ('failure-details' => [{
                'result-type'           => $type,
                'sending-mta-ip'        => $ip,
                'receiving-mx-hostname' => $mx,
                'receiving-ip'          => $mx_ip,
                'failed-session-count'  => $failed,
                @more,
            }]) : (),
        }],
    };
}

# As it comes in, [time, report], the first one first; of what should still
# come, the time is now.
sub arrivals {
    my @all;

    for my $ago (reverse 1 .. $DAYS) {
        my $end = (floor(time / 86400) - $ago + 1) * 86400;

        for my $sender (0 .. $#SENDERS) {
            my $late = 3600 * $SENDERS[$sender][3] * (0.9 + 0.2
                     * chance($sender, $ago));
            my $time = min(time, int($end + $late));
            push @all, map { [$time, report($_, $sender, $ago)] }
                sort keys %DOMAINS;
        }
    }

    return sort { $a->[0] <=> $b->[0] } @all;
}

# All of them, the oldest first.
sub reports {
    my @reports;

    for my $ago (reverse 1 .. $DAYS) {
        for my $domain (sort keys %DOMAINS) {
            push @reports, map { report($domain, $_, $ago) } 0 .. $#SENDERS;
        }
    }

    return @reports;
}

1;
