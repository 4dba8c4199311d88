# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Alerts;

# Events for the tests of alerts, as they are put before the plugin.

use strict;
use warnings;

use parent 'Exporter';

use JSON::PP ();
use POSIX qw(strftime);

our @EXPORT = qw(event problem push_item ending settled held);

my $JSON = JSON::PP->new->utf8->canonical;
my $n = 0;

# Of mx1.DOMAIN, whose certificate has expired; members can be replaced.
sub problem {
    my ($domain, %members) = @_;

    my $mx = "mx1.$domain";

    return {
        id => 'problem-' . ++$n, 'result-type' => 'certificate-expired',
        severity => 'high', title => "The certificate of $mx has expired",
        ongoing => JSON::PP::true, 'first-day' => '2026-11-24',
        'last-day' => '2026-11-26', 'failed-session-count' => 1240,
        share => 0.34, 'share-of-senders' => 0.5,
        'organization-names' => ['Google Inc.', 'Microsoft Corporation',
                                 'Yahoo Inc.', 'Example Sender'],
        contacts => [], 'receiving-mx-hostnames' => [$mx],
        'sending-mta-ips' => ['192.0.2.1'], 'receiving-ips' => [],
        'failure-reason-codes' => [], 'policy-types' => ['sts'],
        via => { https => 2, mail => 5, check => 0 }, 'signed-by' => [],
        'by-day' => [], meaning => 'A certificate that is no longer valid.',
        'likely-cause' => 'It was not renewed.',
        steps => [{ text => "Look at the certificate of $mx, and renew it",
                    command => "openssl s_client -starttls smtp -connect"
                               . " $mx:25 -servername $mx" }],
        fix => 'Renew it.', 'possible-attack' => undef,
        'lost-mail' => 'Yes. Senders that keep to the policy wait, then'
                       . ' return the mail.',
        %members,
    };
}

sub event {
    my ($type, $domain, $problem, %members) = @_;

    return {
        id => 'event-' . ++$n,
        time => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime),
        type => $type, domain => $domain,
        title => $problem ? $problem->{title} : $type,
        ($problem ? ('problem-id' => $problem->{id}) : ()),
        %members,
    };
}

sub ending {
    my ($problem, $domain, %members) = @_;

    return (event('problem-resolved', $domain, $problem, %members),
            { %$problem, ongoing => JSON::PP::false });
}

# As it is kept in the outbox; its text.
sub push_item {
    my ($server, $event, $problem, %members) = @_;

    my $text = $JSON->encode({ event => $event, problem => $problem,
                               %members });
    $server->redis('LPUSH', 'tlsrpt:{outbox}', $text);

    return $text;
}

# Within 20 seconds all is where it has to go, and what was sent is booked:
# these recipients, and no others, still have something to be sent to them.
sub settled {
    my ($server, @waiting) = @_;

    my $wanted = join ' ', sort @waiting;

    return TLSRPT::Server::wait_until(20, sub {
        return !$server->redis('LLEN', 'tlsrpt:{outbox}')
            && $wanted eq join ' ', sort @{ $server->redis('ZRANGE',
                'tlsrpt:{outbox}:recipients', 0, -1) };
    });
}

# Within 20 seconds so many deliveries are held for others of their group.
sub held {
    my ($server, $n) = @_;

    return TLSRPT::Server::wait_until(20, sub {
        return $n == $server->redis('HLEN', 'tlsrpt:{outbox}:held');
    });
}

1;
