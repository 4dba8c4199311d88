# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Alerts from the outbox in Redis to a mailbox, by a real Postfix, and to
# webhooks by HTTP and HTTPS.  Time passes by Redis's clock.

use MIME::Base64 qw(encode_base64);
use MIME::QuotedPrint qw(decode_qp);

use TLSRPT::Test;
use TLSRPT::Alerts;
use TLSRPT::Certificate;
use TLSRPT::Npm;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my $server = servers(nginx => 0, redis => 0, moves => 1);
$server->start_redis;
my $dir = $server->dir;
my $made = TLSRPT::Certificate->new(dir => $dir);
my $secret = 'whsec_' . encode_base64(pack('C*', 1 .. 32), '');
$server->write_file('secret', "$secret\n");

my $json = TLSRPT::Sink->new(server => $server, name => 'json',
                             https => $made)->start;
my $chat = TLSRPT::Sink->new(server => $server, name => 'chat')->start;

my $rspamd = TLSRPT::Rspamd->new(
    server => $server,
    controller => '',
    env    => { SSL_CERT_FILE => $made->authority },
);
my $postfix = TLSRPT::Postfix->new(server => $server, rspamd => $rspamd);

$rspamd->{tlsrpt} = <<"END";
domains = ["example.com", "example.net"];
alerts {
    dashboard = "https://tlsrpt.example.org/tlsrpt/";
    mail {
        from = "tlsrpt\@example.org";
        to = ["postmaster\@example.com"];
        smtp = "127.0.0.1:$postfix->{port}";
        starttls = true;
    }
    webhook "ops" { url = "${\ $json->url }"; secret_file = "$dir/secret"; }
    webhook "slack" { url = "${\ $chat->url('/slack') }"; format = "slack"; }
    webhook "teams" { url = "${\ $chat->url('/teams') }"; format = "teams"; }
    webhook "discord" {
        url = "${\ $chat->url('/discord') }"; format = "discord";
    }
}
END
$rspamd->start;
$postfix->start;

sub minutes {
    my ($n) = @_;

    $server->move_clock($server->{moved} += 60 * $n);

    return;
}

sub chat {
    my ($which) = @_;

    return map { decode_json($_->{body}) }
        grep { $_->{path} eq "/$which" } $chat->requests;
}

# What a sender wrote stands in it: nothing of it may be more than text

my $evil = "\r\nBcc: x\@y \x{1f600}<b>\@everyone <!channel>"
    . ' [a](https://evil.x)';
my $problem = problem('example.com', 'organization-names' =>
    ['Google Inc.', $evil, 'Yahoo Inc.', 'D']);
my $opening = event('problem-opened', 'example.com', $problem);
my $pushed = push_item($server, $opening, $problem);
push_item($server, event('sender-new', 'example.com')) for 1 .. 4;
ok held($server, 5), 'an opening is held for others, by each recipient';
ok settled($server), 'and nothing else is to be sent';
is scalar($json->requests) + scalar($postfix->delivered), 0,
    'nor was anything sent';
minutes(11);
ok $postfix->wait_delivered(1), 'a mail at the opening';
ok $json->wait_requests(1), 'a webhook by HTTPS';
ok $chat->wait_requests(3), 'and one each to Slack, Teams and Discord';
ok settled($server), 'and that is all';

my $ending = event('problem-resolved', 'example.com', $problem);
push_item($server, $ending, { %$problem, ongoing => JSON::PP::false });
ok $postfix->wait_delivered(2), 'a mail at the end';
ok $json->wait_requests(2), 'and a webhook';
ok $chat->wait_requests(6), 'each';
ok settled($server), 'and that is all';
is scalar($postfix->delivered), 2, 'no other mail';
is scalar($json->requests), 2, 'no other webhook';

# The mail

my ($mail) = grep { /New_problem|New problem/ } $postfix->delivered;
my ($head, $body) = split /\n\n/, $mail, 2;
like $head, qr/^Subject: New problem: example\.com: The certificate of/m,
    'its subject';
like $head, qr/ of mx1\.example\.com\n has expired$/m, 'which is folded';
like $head, qr/^From: TLS reports <tlsrpt\@example\.org>$/m, 'From';
like $head, qr/^To: <postmaster\@example\.com>$/m, 'To';
like $head, qr/^Auto-Submitted: auto-generated$/m, 'Auto-Submitted';
like $head, qr/^TLS-Required: No$/m, 'TLS-Required';
like $head, qr/^Message-ID: <$opening->{id}\.tlsrpt\@example\.org>$/m,
    'a Message-ID made of the event';
like $head, qr/^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/m, 'Date';
like $head, qr/^Return-Path: <tlsrpt\@example\.org>$/m, 'the envelope sender';
unlike $mail, qr/^Bcc:/m, "a sender's line break makes no header";
unlike $mail, qr/[^\x00-\x7f]/, 'US-ASCII on the wire';

my ($boundary) = $head =~ /boundary="([^"]+)"/;
my @parts = map { decode_qp((split /\n\n/, $_, 2)[1]) }
    $body =~ /--\Q$boundary\E\n(.*?)(?=\n--\Q$boundary\E)/gs;
is scalar(@parts), 2, 'text and HTML';
diag $parts[0] if $ENV{TLSRPT_SHOW};
for my $text (@parts) {
    my $name = $text eq $parts[0] ? 'text' : 'HTML';
    like $text, qr/The certificate of mx1\.example\.com has expired/,
        "$name: what";
    like $text, qr/Since:(?:<\/b>)? 2026-11-24, still going on/, "$name: since";
    like $text, qr/Who:(?:<\/b>)? Google Inc\., .*1 more/, "$name: who";
    like $text, qr/1,240 failed sessions \(34 % of all\)/, "$name: how much";
    like $text, qr/Mail lost:(?:<\/b>)? Yes\. Senders/, "$name: is mail lost";
    like $text, qr/First step:(?:<\/b>)? Look at the certificate/,
        "$name: what to do";
    like $text, qr/openssl s_client -starttls smtp/, "$name: by which command";
    like $text, qr{https://tlsrpt\.example\.org/tlsrpt/\#/domains/example\.com},
        "$name: where to look";
}
like $parts[1], qr/&lt;b&gt;/, "HTML: a sender's markup is text";
unlike $parts[1], qr/<b>\@everyone/, 'and nothing else';
is(() = $parts[1] =~ /<a /g, 1, 'HTML: one link');
like $mail, qr/viewport/, 'HTML: as wide as a phone';

my ($end) = grep { /Subject: Resolved/ } $postfix->delivered;
like $end, qr/^Subject: Resolved: example\.com: The certificate/m,
    'the mail at the end';
like $end, qr/seen last on 2026-11-26/, 'says until when';
unlike $end, qr/First step/, 'and that nothing is to be done';

# The webhook, and the specification's own library

my @webhooks = $json->requests;
is $webhooks[0]{headers}{'webhook-id'}, $opening->{id}, 'the id of the event';
is $webhooks[1]{headers}{'webhook-id'}, $ending->{id}, 'of each';
is $webhooks[0]{headers}{'content-type'}, 'application/json', 'JSON';
my $got = decode_json($webhooks[0]{body});
is delete $got->{'schema-version'}, 1, 'schema-version';
is_deeply $got, decode_json($pushed), 'the event and its problem, unchanged';

$server->write_file('webhook.json', $webhooks[0]{body});
$server->write_file('verify.js', <<'END');
const [modules, secret, body, id, timestamp, signature] = process.argv.slice(2);
const { Webhook } = require(`${modules}/standardwebhooks`);
const text = require('fs').readFileSync(body, 'utf8');
const verify = (payload) => new Webhook(secret).verify(payload, {
    'webhook-id': id, 'webhook-timestamp': timestamp,
    'webhook-signature': signature });
// it refuses what is more than five minutes away from its clock
Date.now = () => Number(timestamp) * 1000 + 1000;
console.log(verify(text).event.id);
try { verify(text.replace('expired', 'renewed')); } catch (e) {
    console.log(e.name || e.constructor.name);
}
END
my @said = split /\n/, scalar run('node', "$dir/verify.js",
    TLSRPT::Npm::install(), $secret, "$dir/webhook.json",
    @{ $webhooks[0]{headers} }{qw(webhook-id webhook-timestamp
                                  webhook-signature)});
is $said[0], $opening->{id}, 'standardwebhooks takes its signature';
like $said[1] // '', qr/Error/, 'but not for another text';

sub run {
    my (@command) = @_;

    open my $fh, '-|', @command or die "$command[0]: $!";
    local $/;

    return <$fh> // '';
}

# Slack, Teams, Discord

my $link = 'https://tlsrpt.example.org/tlsrpt/#/domains/example.com';
my ($slack) = chat('slack');
is $slack->{text}, 'New problem: example.com', 'Slack: for notifications';
is_deeply [map { $_->{type} . ' ' . $_->{text}{type} } @{ $slack->{blocks} }],
    ['section plain_text', 'section plain_text', 'section mrkdwn'],
    "Slack: a sender's words are plain_text";
like $slack->{blocks}[1]{text}{text}, qr/<!channel>/, 'as they are';
is $slack->{blocks}[2]{text}{text}, "<$link|Open the dashboard>",
    'Slack: the link is ours';

my ($teams) = chat('teams');
my $card = $teams->{attachments}[0]{content};
is $teams->{attachments}[0]{contentType},
    'application/vnd.microsoft.card.adaptive', 'Teams: an Adaptive Card';
is_deeply [grep { $_->{type} ne 'RichTextBlock' } @{ $card->{body} }], [],
    'Teams: no block that knows markup';
is_deeply $card->{actions}, [{ type => 'Action.OpenUrl',
    title => 'Open the dashboard', url => $link }],
    'Teams: the link is ours';

my ($discord) = chat('discord');
is_deeply $discord->{allowed_mentions}, { parse => [] },
    'Discord: nobody is mentioned';
unlike $discord->{content}, qr{https://evil}, "Discord: no link of a sender's";
unlike $discord->{content}, qr/(?<!\\)[\[\]]/, 'Discord: markup is escaped';
like $discord->{content}, qr{<\Q$link\E>$}, 'ours is';
cmp_ok length $discord->{content}, '<=', 2000, 'Discord: not too long';

# What is answered, and what becomes of it

sub alert {
    my $made = problem('example.com');
    push_item($server, my $event = event('problem-worsened', 'example.com',
                                         $made), $made);

    return $event->{id};
}

for my $case ([500], [404], [302, Location => $json->url('/elsewhere')],
              [429, 'Retry-After' => 300]) {
    my ($status, @headers) = @$case;
    my $before = () = $json->requests;

    $json->answer($status, @headers);
    my $id = alert();
    ok $json->wait_requests($before + 1), "$status: it was asked";
    ok $rspamd->logged(qr/webhook:ops: not delivered, again in @{[
        $status == 429 ? 300 : 10]} s: HTTP $status/), "$status: again later";
    ok settled($server, 'webhook:ops'), "$status: everybody else was told";
    $json->answer(200);
    if ($status == 429) {
        minutes(4);
        sleep 2;
        is scalar(() = $json->requests), $before + 1,
            '429: not before Retry-After';
    }
    minutes(2);
    ok $json->wait_requests($before + 2), "$status: once more";
    ok settled($server), "$status: and that is all";
    my @all = $json->requests;
    is scalar(@all), $before + 2, "$status: twice in all";
    is $all[-1]{headers}{'webhook-id'}, $id, "$status: with the same id";
    is $all[-1]{path}, '/hook', "$status: at the same address";
}

# Rspamd ends while a message is under way: the next one sends it

$json->answer(0);
my $id = alert();
my $before = () = $json->requests;
ok $json->wait_requests($before + 1), 'a message that is not answered';
is $rspamd->stop, '', 'rspamd ends, with nothing bad in its log';
$json->answer(200);
$rspamd->start;
ok $json->wait_requests($before + 2), 'after a restart it is sent';
my @all = $json->requests;
is $all[-1]{headers}{'webhook-id'}, $id, 'with the same id';
ok settled($server), 'and that is all';

$json->answer(410);
alert();
ok $rspamd->logged(qr/webhook:ops: answered that it is gone \(410\)/),
    '410: told';
$json->answer(200);
$before = () = $json->requests;
alert();
minutes(120);
sleep 2;
is scalar(() = $json->requests), $before, '410: nothing more is sent';

unlike $rspamd->log, qr/\Q$secret\E|localhost:$json->{port}/,
    'neither a secret nor the URL of a webhook is logged';
is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
