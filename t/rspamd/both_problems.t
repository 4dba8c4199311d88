# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# nginx and rspamd on one Redis: nginx works out what is wrong, as it knows the
# policies that it serves, and rspamd tells.  Where nginx is gone, rspamd does
# both.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my $server = servers(redis => 1, moves => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain example.org;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
my $sink = TLSRPT::Sink->new(server => $server)->start;
my $moved = 0;
my $rspamd = TLSRPT::Rspamd->new(
    server => $server, controller => '', milter => 0,
    signers => ['sender.example'],
    tlsrpt => 'domains = ["example.com", "example.org"]; alerts {'
        . ' webhook "ops" { url = "' . $sink->url . '"; } }',
)->start;

sub seconds {
    my ($n) = @_;

    $server->move_clock($moved += $n);

    return;
}

sub failing {
    my ($domain, $ago) = @_;

    my $report = report(domain => $domain, day => day(-$ago));
    my $policy = $report->{policies}[0];

    $policy->{summary} = { 'total-successful-session-count' => 40,
                           'total-failure-session-count' => 60 };
    $policy->{'failure-details'}[0]{'failed-session-count'} = 60;

    return $report;
}

sub is_open {
    my ($domain, $n) = @_;

    return TLSRPT::Server::wait_until(20, sub {
        return ($server->redis('HGET', "tlsrpt:{$domain}", 'p') // '')
            =~ / $n$/;
    });
}

# On its way to the webhook, where it is held for others.
sub is_held {
    return TLSRPT::Server::wait_until(20, sub {
        return $server->redis('HLEN', 'tlsrpt:{outbox}:held');
    });
}

ok TLSRPT::Server::wait_until(15, sub {
    return $server->redis('EXISTS', 'tlsrpt:lease:problems');
}), 'nginx says that it works out problems';

# By mail to rspamd: nginx works it out

my $before = $server->redis('PTTL', 'tlsrpt:lease:problems');
ok $rspamd->scan(signed(report_mail(failing('example.com', 2)),
    'sender.example'))->{symbols}{TLSRPT_REPORT}, 'a report by mail';
ok is_open('example.com', 1), 'its problem is open within 15 seconds';
cmp_ok $server->redis('PTTL', 'tlsrpt:lease:problems'), '>', 0,
    'by nginx, which has the lease';
ok is_held(), 'and on its way';
seconds(660);
ok $sink->wait_requests(1, 30), 'and told by rspamd';
my ($told) = map { decode_json($_->{body}) } $sink->requests;
is $told->{event}{type}, 'problem-opened', 'as opened';
my ($shown) = @{ $server->get('/tlsrpt/domains/example.com/problems')
    ->{json}{problems} };
is $told->{event}{'problem-id'}, $shown->{id}, 'by the id that the API has';

# By POST to nginx: told all the same

is $server->post('/v1/tlsrpt', encode_json(failing('example.org', 2)))
    ->{status}, 201, 'a report by POST';
ok is_open('example.org', 1), 'its problem is open, as no report is signed';
ok is_held(), 'and on its way';
seconds(660);
ok $sink->wait_requests(2, 30), 'and told';

# nginx is gone: rspamd does both

$server->stop_nginx;
seconds(61);
ok TLSRPT::Server::wait_until(10, sub {
    return !$server->redis('EXISTS', 'tlsrpt:lease:problems');
}), 'nginx is gone, and its lease is over';
for my $ago (1) {
    my $report = failing('example.com', $ago);
    my $policy = $report->{policies}[0];
    $policy->{'failure-details'}[0]{'result-type'} = 'starttls-not-supported';
    ok $rspamd->scan(signed(report_mail($report), 'sender.example'))
        ->{symbols}{TLSRPT_REPORT}, 'another problem';
}
ok is_open('example.com', 2), 'is open, too';
ok is_held(), 'and on its way';
seconds(660);
ok $sink->wait_requests(3, 30), 'and told';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
