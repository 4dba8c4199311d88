# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A stranger who rings: unsigned POSTs that invent failures, result types, mail
# servers and senders of a hundred domains, half of which get signed reports,
# too.  What is told of it, to whom, how often; and what people did stays.
#
#     POSTS=10000 prove -vIt/lib t/rspamd/stranger.t

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Rspamd;
use TLSRPT::Sink;

my $POSTS = $ENV{POSTS} || 1500;
my $OF_EACH = 50;
my @signed = map { "signed$_.example" } 1 .. $OF_EACH;
my @others = map { "other$_.example" } 1 .. $OF_EACH;

my $server = servers(redis => 1, moves => 1, http => '    tlsrpt_redis'
    . " %%REDIS%%;\n" . join('', map { "    tlsrpt_domain $_;\n" }
                             @signed, @others), server => <<'END');
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END
my $sink = TLSRPT::Sink->new(server => $server)->start;
my $moved = 0;

sub seconds {
    my ($n) = @_;

    $server->move_clock($moved += $n);

    return;
}

my $rspamd = TLSRPT::Rspamd->new(
    server => $server, controller => '', milter => 0,
    signers => ['sender.example'],
    tlsrpt => 'domains = [' . join(', ', map { qq("$_") } @signed, @others)
        . ']; alerts { digest = "daily"; webhook "ops" { url = "'
        . $sink->url . '"; } }',
)->start;

srand 1;

sub pick { return $_[int rand @_] }
sub word { return join '', map { ('a' .. 'z')[rand 26] } 1 .. 8 }

# Everything in it is the stranger's.
sub invented {
    my ($n, $domain) = @_;

    my $report = report(domain => $domain, day => day(-1 - int rand 3),
        'organization-name' => pick('Google Inc.', word()),
        'report-id' => "invented-$n",
        'contact-info' => word() . '@' . word() . '.example');
    my $policy = $report->{policies}[0];
    my @details = map { {
        'result-type' => pick('certificate-expired', 'starttls-not-supported',
                              'tlsa-invalid', word()),
        'sending-mta-ip' => join('.', map { int rand 256 } 1 .. 4),
        'receiving-mx-hostname' => word() . ".$domain",
        'failed-session-count' => 1000,
    } } 1 .. 3;

    $policy->{summary} = { 'total-successful-session-count' => 10,
                           'total-failure-session-count' => 3000 };
    $policy->{'failure-details'} = \@details;

    return $report;
}

# Half of the domains have honest senders

for my $domain (@signed) {
    my $report = report(domain => $domain);
    my $policy = $report->{policies}[0];

    $policy->{summary}{'total-failure-session-count'} = 0;
    delete $policy->{'failure-details'};
    $rspamd->scan(signed(report_mail($report), 'sender.example'))
        ->{symbols}{TLSRPT_REPORT} or die 'not stored';
}

# What a person did
$server->redis('LPUSH', 'tlsrpt:{signed1.example}:acts',
               '{"id":"1","type":"domain-enrolled"}');

my $began = time;
my $stored = 0;
for my $n (1 .. $POSTS) {
    my $domain = ($n % 2 ? \@signed : \@others)->[$n / 2 % $OF_EACH];
    $stored++ if $server->post('/v1/tlsrpt', encode_json(invented($n,
                               $domain)))->{status} == 201;
}
is $stored, $POSTS, "$POSTS invented reports were stored";
diag sprintf '%d POSTs in %d s', $POSTS, time - $began;

# All that is due is worked out

sub due_now {
    my ($now) = @{ $server->redis('TIME') };

    return $server->redis('ZCOUNT', 'tlsrpt:due', '-inf', $now);
}

sub worked_out {
    return TLSRPT::Server::wait_until(300, sub {
        return !due_now() && !$server->redis('ZCARD', 'tlsrpt:untold');
    });
}

seconds(10);
$began = time;
ok worked_out(), 'all of it was worked out';
diag sprintf 'in %d s', time - $began;

sub marked {
    my ($domain) = @_;

    my $mark = $server->redis('HGET', "tlsrpt:{$domain}", 'p') // '';

    return $mark =~ /^\d+ (\d+)$/ ? $1 : 0;
}

# The least and the most of one.
sub open_of {
    my @open = sort { $a <=> $b } map { marked($_) } @_;

    return @open[0, -1];
}

my ($least, $most) = open_of(@others);
cmp_ok $most, '<=', 17, "of a domain that gets no signed reports at most 16 are"
    . " open, and one for the rest ($least to $most)";
is +(open_of(@signed))[1], 0, 'of one that does none before the day settles';

# Hours of messages

my %told;

sub count_told {
    %told = ();

    for my $request ($sink->requests) {
        my $body = decode_json($request->{body});
        my $type = $body->{event} ? $body->{event}{type} : $body->{type};
        my ($kind) = ($body->{event}{domain} // '') =~ /^([a-z]+)\d/;

        $told{$type}++;
        $told{$kind // 'none'}++ if $type =~ /^problem/;
    }

    return;
}

seconds(660);
ok TLSRPT::Server::wait_until(30, sub {
    count_told();
    return ($told{waiting} // 0) >= 1;
}), 'they are told';
sleep 5;
count_told();
is $told{signed} // 0, 0,
    'of domains that get signed reports nothing is told at once';
is $told{other}, 20, 'of the others 20 messages in an hour';
is $told{waiting}, 1, 'and one that says how many wait';
my $waiting = $server->redis('LLEN', 'tlsrpt:{outbox}:queue:webhook:ops');
diag sprintf 'first hour: %s; %d wait', join(', ',
    map { "$_ $told{$_}" } sort keys %told), $waiting;
cmp_ok $waiting, '<=', 10_000, 'what waits is bounded';

# by rspamd, whose clock is that of Redis
$server->stop_nginx;

for (1 .. 14) {
    seconds(3600);
    sleep 1;
}
ok worked_out(), '15 hours later';
sleep 2;
count_told();
($least, $most) = open_of(@signed);
cmp_ok $most, '<=', 17, "of domains with signed reports $least to $most are"
    . ' open now';
cmp_ok $most, '>', 0, 'as the day has settled';
cmp_ok $told{other}, '<=', 15 * 20, 'not more than 20 an hour';
is $told{signed} // 0, 0, 'and nothing of those but in the digest';
cmp_ok $told{digest} // 0, '<=', 1, 'which is one message';
diag sprintf 'after 15 hours: %s; %d wait', join(', ',
    map { "$_ $told{$_}" } sort keys %told),
    $server->redis('LLEN', 'tlsrpt:{outbox}:queue:webhook:ops');

# What there is of it in Redis is bounded, too

my ($events, $untold) = (0, 0);
for my $domain (@signed, @others) {
    my $n = $server->redis('LLEN', "tlsrpt:{$domain}:events");
    $events = $n if $n > $events;
    $n = $server->redis('LLEN', "tlsrpt:{$domain}:untold");
    $untold = $n if $n > $untold;
}
cmp_ok $events, '<=', 1000, "at most 1,000 events of a domain ($events)";
is $untold, 0, 'and none that is not told';
is_deeply $server->redis('LRANGE', 'tlsrpt:{signed1.example}:acts', 0, -1),
    ['{"id":"1","type":"domain-enrolled"}'], 'what people did is untouched';

is $rspamd->stop, '', 'nothing bad in the log';
done_testing;
