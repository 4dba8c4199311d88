# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# nginx and rspamd on one Redis: a report by mail and by POST counts once.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;

my $server = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
my $rspamd = TLSRPT::Rspamd->new(
    server  => $server,
    signers => ['sender.example'],
    tlsrpt  => 'domains = ["example.com"]; timeout = 0.5;',
    task_timeout => 5,
)->start;
my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd)->start;

# Redis stopped: the sender keeps it; started: it is stored, and shown once

my $report = report('report-id' => 'by-mail-first');
my $mail = signed(report_mail($report), 'sender.example');

$server->stop_redis;
like($postfix->send($mail), qr/^451 /, 'Redis stopped: 451');
$server->start_redis;
like($postfix->send($mail), qr/^250 /, 'Redis started: 250');

sub stats {
    my ($query) = @_;

    return $server->get("/tlsrpt/domains/example.com?$query")->{json};
}

is(stats('by=day')->{reports}, 1, 'shown once');
is(stats('by=day')->{'total-failure-session-count'}, 3, 'with its failures');

my $answer = $server->post('/v1/tlsrpt', encode_json($report));
is($answer->{status}, 200, 'the same by POST');
is($answer->{json}{status}, 'duplicate', 'is a duplicate');
is(stats('by=day')->{reports}, 1, 'still shown once');
is_deeply([map { $_->{via} } @{ stats('by=via')->{groups} }], ['mail'],
          'it came by mail');

# The other way round

$report = report('report-id' => 'by-post-first');
$mail = signed(report_mail($report), 'sender.example');
is($server->post('/v1/tlsrpt', encode_json($report))->{status}, 201, 'by POST');
ok($rspamd->scan($mail)->{symbols}{TLSRPT_DUPLICATE}, 'by mail: a duplicate');
like($postfix->send($mail), qr/^250 /, 'which is delivered');
is(stats('by=day')->{reports}, 2, 'each is shown once');
is_deeply({ map { $_->{via} => $_->{reports} } @{ stats('by=via')->{groups} } },
          { mail => 1, https => 1 }, 'one by mail, one by POST');

# The same counts, by whichever way

my %group = map { $_->{via} => $_ } @{ stats('by=via')->{groups} };
is($group{mail}{$_}, $group{https}{$_}, "$_ is the same")
    for qw(total-successful-session-count total-failure-session-count);

# Who signed is kept with the report

my $kept = join ' ', map { @{ $server->redis('LRANGE', $_, 0, -1) } }
    grep { /:kept$/ } @{ $server->redis('KEYS', '*') };
is(scalar(() = $kept =~ /\x0esender\.example/g), 1, 'who signed is kept');

# What became of the mails

my $metrics = $server->get('/tlsrpt/metrics')->{body};
for (['stored', 1], ['duplicate', 2], ['failed', 1], ['unsigned', 0]) {
    my ($status, $n) = @$_;
    like($metrics, qr/^tlsrpt_mail_reports_total\{status="$status"\} $n$/m,
         "metrics: $n $status");
}

$postfix->stop;
is($rspamd->stop, '', 'nothing bad in the log of rspamd');
done_testing;
