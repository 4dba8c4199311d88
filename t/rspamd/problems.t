# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The life of a problem by rspamd alone, without nginx: reports come by mail, a
# certificate has expired, more reports say so, it is renewed.  One mail by a
# real Postfix and one webhook when it begins, and one of each when it ends.  The
# days pass by the clock of Redis and rspamd.

use MIME::QuotedPrint qw(decode_qp);
use POSIX qw(strftime);

use TLSRPT::Test;
use TLSRPT::Alerts;
use TLSRPT::Mail;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my @SENDERS = map { "sender$_.example" } 1 .. 3;
my $server = servers(nginx => 0, redis => 0, moves => 1);
$server->start_redis;
my $sink = TLSRPT::Sink->new(server => $server)->start;
my $rspamd = TLSRPT::Rspamd->new(server => $server, controller => '',
    signers => \@SENDERS, env => $server->redis_env);
my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd);

$rspamd->{tlsrpt} = <<"END";
domains = ["example.com", "example.net", "example.org"];
alerts {
    dashboard = "https://tlsrpt.example.org/tlsrpt/";
    mail {
        from = "tlsrpt\@example.org";
        to = ["postmaster\@example.com"];
        smtp = "127.0.0.1:$postfix->{port}";
    }
    webhook "ops" { url = "${\ $sink->url }"; }
}
END
$rspamd->start;
$postfix->start;
ok $rspamd->logged(qr/this worker delivers alerts/), 'a worker delivers';

$server->{moved} = 0;

sub minutes {
    my ($n) = @_;

    $server->move_clock($server->{moved} += 60 * $n);

    return;
}

# A sender's report of yesterday, by mail.
sub reported {
    my ($sender, $failed, %members) = @_;

    my $report = report(%members,
        day => strftime('%Y-%m-%d', gmtime(time + $server->{moved} - 86_400)),
        'organization-name' => "Sender $sender",
        'contact-info' => "tlsrpt\@sender$sender.example");
    my $policy = $report->{policies}[0];

    $report->{'report-id'} .= "-$sender";
    $policy->{summary} = { 'total-successful-session-count' => 100 - $failed,
                           'total-failure-session-count' => $failed };
    $policy->{'failure-details'}[0]{'failed-session-count'} = $failed;
    delete $policy->{'failure-details'} if !$failed;
    ok $rspamd->scan(signed(report_mail($report), "sender$sender.example"))
        ->{symbols}{TLSRPT_REPORT}, "a report of sender $sender: $failed failed";

    return;
}

sub open_problems {
    my ($domain) = @_;

    my $mark = $server->redis('HGET', "tlsrpt:{$domain}", 'p') // '';

    return $mark =~ /^\d+ (\d+)$/ ? $1 : -1;
}

sub wait_open {
    my ($domain, $n) = @_;

    return TLSRPT::Server::wait_until(15, sub { open_problems($domain) == $n });
}

# Of a domain, the oldest first.
sub events {
    my ($domain) = @_;

    return map { decode_json($_) } reverse @{ $server->redis('LRANGE',
        "tlsrpt:{$domain}:events", 0, -1) };
}

# What was worked out is no longer due now, and on its way.
sub wait_worked_out {
    my ($domain) = @_;

    return TLSRPT::Server::wait_until(20, sub {
        my $at = $server->redis('ZSCORE', 'tlsrpt:due', $domain);
        return (!defined $at || $at > time + $server->{moved} + 3000)
            && !$server->redis('ZCARD', 'tlsrpt:untold');
    });
}


# It begins

reported(1, 60);
ok wait_open('example.com', 1), 'open within 15 seconds';
is join(' ', map { $_->{type} } events('example.com')), 'problem-opened',
    'an event of the domain';
ok wait_worked_out('example.com'), 'which is on its way';
minutes(11);
ok $postfix->wait_delivered(1), 'a mail at the opening';
ok $sink->wait_requests(1), 'and a webhook';
ok settled($server), 'and that is all';

# Four more reports, of it and of others

reported(2, 70);
ok wait_worked_out('example.com'), 'it was looked at';
minutes(24 * 60);
reported(1, 60);
reported(2, 70);
reported(3, 0);
ok wait_worked_out('example.com'), 'they were looked at';
minutes(60);
sleep 3;
is scalar($postfix->delivered), 1, 'four more reports: no mail';
is scalar($sink->requests), 1, 'and no webhook';

# It ends

for (1, 2) {
    minutes(24 * 60);
    reported($_, 0) for 1 .. 3;
    ok wait_worked_out('example.com'), 'a day without it';
}
ok wait_open('example.com', 0), 'it is over';
ok $postfix->wait_delivered(2), 'a mail at the end';
ok $sink->wait_requests(2), 'and a webhook';
ok settled($server), 'and that is all';
minutes(60);
sleep 3;
is scalar($postfix->delivered), 2, 'nothing else by mail';
is scalar($sink->requests), 2, 'nor by webhook';

my @events = events('example.com');
is join(' ', map { $_->{type} } @events), 'problem-opened problem-resolved',
    'two events in all';
is $events[0]{'problem-id'}, $events[1]{'problem-id'}, 'of one problem';
is $server->redis('LLEN', 'tlsrpt:{example.com}:untold'), 0,
    'none of which is left';

# What was told

my ($opening, $ending) = map { decode_json($_->{body}) } $sink->requests;
is_deeply $opening->{event}, $events[0], 'the webhook has the event';
is $opening->{problem}{id}, $events[0]{'problem-id'}, 'and its problem';
is $opening->{problem}{'result-type'}, 'certificate-expired', 'of its type';
is $opening->{problem}{ongoing}, JSON::PP::true, 'which goes on';
is_deeply $opening->{problem}{'receiving-mx-hostnames'}, ['mx.example.com'],
    'at that server';
is $ending->{event}{type}, 'problem-resolved', 'then its end';
is $ending->{problem}{ongoing}, JSON::PP::false, 'and it is over';
my @mails = sort { ($a =~ /Resolved/) <=> ($b =~ /Resolved/) }
    $postfix->delivered;
like $mails[0], qr/^Subject: New problem: example\.com: /m, 'the mail: what';
like $mails[1], qr/^Subject: Resolved: example\.com: /m, 'and its end';
for my $mail ($ENV{TLSRPT_SHOW} ? @mails : ()) {
    my ($text) = $mail =~ m{Content-Type: text/plain.*?\n\n(.*?)\n--}s;
    my ($head) = $mail =~ /\A(.*?)\n\n/s;
    diag "$head\n\n", decode_qp($text);
}
my $json = JSON::PP->new->pretty->canonical;
diag($json->encode($_)) for $ENV{TLSRPT_SHOW} ? ($opening, $ending) : ();

# A delivery that is given up is an event of its domain

$sink->answer(500);
reported(1, 60, domain => 'example.net');
ok wait_open('example.net', 1), 'another domain';
ok wait_worked_out('example.net'), 'which is on its way';
minutes(11);
ok $sink->wait_requests(3), 'its webhook is not taken';
ok $postfix->wait_delivered(3), 'its mail is';
ok settled($server, 'webhook:ops'), 'and no longer waits';
minutes(60 * 49);
ok TLSRPT::Server::wait_until(15, sub {
    return grep { $_->{type} eq 'delivery-failed' } events('example.net');
}), 'and given up after 48 hours';
my ($failed) = grep { $_->{type} eq 'delivery-failed' } events('example.net');
like $failed->{title}, qr/^webhook:ops was not told of "/, 'who was not told';
is scalar(grep { $_->{type} eq 'delivery-failed' } events('example.net')), 1,
    'one event';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
