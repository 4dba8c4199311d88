# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# tools/sample-report: what it makes is counted, by either way, and once.

use TLSRPT::Test;

use TLSRPT::Mail;
use TLSRPT::Rspamd;

my $tool = TLSRPT::Server->top . '/tools/sample-report';
my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
my $rspamd = TLSRPT::Rspamd->new(server => $t, milter => 0,
    tlsrpt  => 'domains = ["example.com"];',
    signers => ['sender.example'])->start;
my $url = 'http://127.0.0.1:' . $t->port . '/v1/tlsrpt';

# What it prints, and whether it was content.
sub tool { my $said = qx($tool @_ 2>&1); return ($said, $? == 0) }

my ($report) = tool('example.com');
is decode_json($report)->{'date-range'}{'start-datetime'},
    day(-1) . 'T00:00:00Z', 'a report of yesterday';
my $answer = $t->post('/v1/tlsrpt', $report);
is $answer->{status}, 201, 'which is stored';
is_deeply $answer->{json}{warnings}, [], 'and keeps to the RFC';

my ($gzip) = tool('--gzip', 'example.com');
is $t->post('/v1/tlsrpt', $gzip)->{status}, 200, '--gzip: the same report';

my ($mail) = tool('--mail', 'example.com', day(-2));
is_deeply [grep { !/\r\z/ } split /\n/, $mail], [], '--mail: lines end in CRLF';
my $symbols = $rspamd->scan($mail)->{symbols};
ok $symbols->{TLSRPT_UNSIGNED}, '--mail: nobody has signed it';
$symbols = $rspamd->scan(signed($mail, 'sender.example'))->{symbols};
ok $symbols->{TLSRPT_REPORT}, 'signed, it is stored' or diag $rspamd->log;

my ($said, $good) = tool('--post', $url, 'example.net', day(-3));
ok $good, '--post' or diag $said;
is decode_json($said)->{status}, 'stored', 'sends it, and prints the answer';

$answer = $t->get('/tlsrpt/domains/example.com?by=day,via')->{json};
is_deeply [map { [@$_{qw(day via reports)}] } @{ $answer->{groups} }],
    [[day(-2), 'mail', 1], [day(-1), 'https', 1]], 'each counted once, on its day';

($said, $good) = tool('--post', $url, 'elsewhere.example');
ok !$good, 'a domain that is not accepted: fails';
like $said, qr/elsewhere\.example/, 'and prints why';

for ([''], ['--post'], ['example.com', 'someday'], [q('"'.example)],
     ['example.com', '2026-01-01', 'more'])
{
    ($said, $good) = tool(@$_);
    ok !$good, "sample-report @$_: fails";
    like $said, qr/^(?:sample-report: |Usage: )/, 'and says so';
}

is $rspamd->stop, '', 'nothing bad in the log of rspamd';
done_testing;
