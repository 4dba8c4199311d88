# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Many alerts: 20 in an hour, then a notice of how many wait.  And the digest,
# at 07:00 UTC.  Both as they arrive by mail and by webhooks.

use MIME::QuotedPrint qw(decode_qp);

use TLSRPT::Test;
use TLSRPT::Alerts;
use TLSRPT::Postfix;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my $server = servers(nginx => 0, redis => 0, moves => 1);
$server->start_redis;
my $sink = TLSRPT::Sink->new(server => $server)->start;
my $postfix = TLSRPT::Postfix->new(server => $server)->start;
my $rspamd = TLSRPT::Rspamd->new(server => $server, controller => '',
    tlsrpt => <<"END")->start;
domains = ["example.com"];
alerts {
    dashboard = "https://tlsrpt.example.org/";
    mail {
        from = "tlsrpt\@example.org"; to = "postmaster\@example.com";
        smtp = "127.0.0.1:$postfix->{port}";
    }
    webhook "ops" { url = "${\ $sink->url('/json') }"; }
    webhook "chat" { url = "${\ $sink->url('/discord') }"; format = "discord"; }
    digest = "daily";
}
END

sub to {
    my ($path) = @_;

    return map { decode_json($_->{body}) }
        grep { $_->{path} eq $path } $sink->requests;
}

sub text_of { return decode_qp((split /\n\n/, $_[0], 3)[2]) }

# A lot, one of them with a name that Discord would take for markup

my $problem;

for my $n (1 .. 25) {
    my $domain = $n == 1 ? 'a__b__c.example.com' : "d$n.example.com";
    $problem = problem($domain);
    push_item($server, event('problem-worsened', $domain, $problem), $problem);
}

ok $sink->wait_requests(42, 30), '21 messages each';
ok $postfix->wait_delivered(21), 'by mail, too';
ok TLSRPT::Server::wait_until(20, sub {
    my %at = @{ $server->redis('ZRANGE', 'tlsrpt:{outbox}:recipients', 0, -1,
                               'WITHSCORES') };
    return 3 == grep { $_ > 1000 * (time + 60) } values %at;
}), 'the others wait for the next hour';
is scalar(to('/json')), 21, 'no more';
my @mails = $postfix->delivered;
is scalar(@mails), 21, 'nor by mail';

is_deeply [grep { $_->{type} } to('/json')], [{ 'schema-version' => 1,
    type => 'waiting', title => '5 more alerts wait', count => 5 }],
    'JSON: the last says how many wait';
like +(to('/discord'))[20]{content}, qr/^\*\*Many alerts\\: 5 more wait\*\*$/m,
    'so does Discord';
like +(to('/discord'))[0]{content}, qr/a\\_\\_b\\_\\_c/, 'markup is escaped';
my ($notice) = grep { /^Subject: Many alerts: 5 more wait$/m } @mails;
ok $notice, 'and the mail';
like text_of($notice), qr/^20 were sent within an hour; the others follow/m,
    'which says why';
like $notice, qr/^Message-ID: <\w+\.tlsrpt\@example\.org>$/m,
    'and has a Message-ID';

# The next 07:00, or the one after, so that an hour is over

my $now = time;
my $moved = 86400 - ($now - 7 * 3600) % 86400 + 5;
$moved += 86400 if $moved < 3700;
$server->move_clock($moved);
ok $sink->wait_requests(42 + 12, 30), 'what waited, and the digest, each';
ok $postfix->wait_delivered(21 + 6), 'by mail, too';
ok settled($server), 'and that is all';

my ($digest) = grep { ($_->{type} // '') eq 'digest' } to('/json');
is $digest->{title}, 'daily digest', 'JSON: the digest';
is $digest->{count}, 25, 'how many';
is scalar(@{ $digest->{events} }), 25, 'each of them';
is $digest->{events}[0]{type}, 'problem-worsened', 'its type';
my @of_digest = grep { /^Subject: TLS reports, daily digest: 25 events$/m }
    $postfix->delivered;
is scalar(@of_digest), 1, 'one mail';
like text_of($of_digest[0]),
    qr/^  \d{4}-\d\d-\d\d  d2\.example\.com: Worse: The/m,
    'which lists them';

my $digested = $server->redis('GET', 'tlsrpt:{outbox}:digested');
$server->move_clock($moved + 86400);
ok TLSRPT::Server::wait_until(20, sub {
    return $digested != $server->redis('GET', 'tlsrpt:{outbox}:digested');
}), 'a day later it is time for another';
ok settled($server), 'nothing waits';
is scalar(grep { ($_->{type} // '') eq 'digest' } to('/json')), 1,
    'nothing happened: no digest';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
