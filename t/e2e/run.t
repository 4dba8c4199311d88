# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# make run: what a newcomer sees, that it answers afterwards, and that nothing
# is left behind however it ends.

use TLSRPT::Test;

use IO::Socket::INET;

my $top = TLSRPT::Server->top;
my $helper = servers(nginx => 0);
my $port = $helper->port;
my $rspamd_port = TLSRPT::Server->free_port;

# Somebody has the ports that it takes where none is named.
my @others = map {
    IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1',
                          LocalPort => $_)
} 8460, 8461;

my $temp = $helper->dir . '/tmp';
my $out = $helper->dir . '/out';
mkdir $temp;

# As its own process; its temporary directory is in $temp.
sub start {
    my ($env, @command) = @_;

    unlink $out;
    delete local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};

    return $helper->spawn($out, { TMPDIR => $temp, %$env }, @command);
}

sub run {
    return start({}, 'make', '-s', '-C', $top, 'run', "PORT=$port",
                 "RSPAMD_PORT=$rspamd_port");
}

sub said { return $helper->read_file('out') }

# Processes that hold something below $temp.
sub left {
    return grep {
        my $process = $_;
        grep { (readlink || '') =~ /^\Q$temp\E/ }
            "$process/cwd", glob "$process/fd/*"
            or $helper->read_file("$process/cmdline") =~ /\Q$temp\E/
    } glob '/proc/[0-9]*';
}

sub nothing_left {
    my ($when) = @_;

    TLSRPT::Server::wait_until(10, sub { return !left() });
    is_deeply [map { $helper->read_file("$_/cmdline") } left()], [],
        "no process is left $when";
    is_deeply [glob "$temp/*"], [], "no file is left $when";
    ok $helper->port_free($_), "port $_ is free $when"
        for $port, $rspamd_port;

    return;
}


my $pid = run();
ok TLSRPT::Server::wait_until(60, sub { return said() =~ /Ctrl-C ends it/ }),
    'it comes to the end of what it shows' or diag said();

my @answers = said() =~ /^\S.{28}  (\d{3}|TLSRPT_\w+)  +\S/mg;
is_deeply \@answers, [
    201, 201, 201, 201, 200, 403, 422,
    'TLSRPT_REPORT', 'TLSRPT_DUPLICATE', 'TLSRPT_UNSIGNED',
    200, 200,
], 'what became of the samples' or diag said();

for my $wanted (
    qr{  stored example\.org, \d+ warnings$}m, qr{  duplicate example\.com$}m,
    qr{  policies\[0\]\.summary\.total-failure-session-count: }m,
    qr{ example\.com Example Post d=post\.example$}m,
    qr{  version: STSv1; mode: enforce; }m,
    qr{^example\.com  .* 1  failing$}m, qr{^token\.example  .* 0  ok$}m,
    qr{"result-type" : "certificate-expired",\s+"via" : "mail"}s,
    qr{^http://127\.0\.0\.1:$port/tlsrpt/    the dashboard}m,
    qr{^curl http://127\.0\.0\.1:$port/tlsrpt/domains$}m)
{
    like said(), $wanted, "it shows $wanted";
}

cmp_ok said() =~ tr/\n//, '<', 100, 'and no more than can be read';

# The same, from outside.
my $client = $helper;
my %tcp = (tcp => 1);
# A month as it would have been: each report came hours after its day, and what
# happened has the day on which it did.
my $answer = $client->get('/tlsrpt/domains/example.com/senders', %tcp);
my @delays = map { $_->{'median-delay-seconds'} } @{ $answer->{json}{senders} };
is scalar @delays, 6, 'six senders report';
is scalar(grep { $_ > 0 && $_ < 86400 } @delays), 6, 'within a day, all of them'
    or diag "@delays";

my @events = @{ $client->get('/tlsrpt/events', %tcp)->{json}{events} };
is_deeply [map { "$_->{type} $_->{domain}" } reverse @events], [
    'problem-opened example.org', 'problem-resolved example.org',
    'problem-opened example.com', 'problem-opened example.net',
], 'a certificate was renewed, a sender is stripped, an MX is missing'
    or diag explain \@events;
is scalar(grep { substr($_->{time}, 0, 10) ge day(-5) } @events), 0,
    'each of it when it was';

$answer = $client->get('/tlsrpt/domains/example.com?organization-name='
                          . 'Example%20Mail&from=' . day(-89), %tcp);
is $answer->{status}, 200, 'it answers afterwards';
is $answer->{json}{reports}, 1, 'with the report once';
is $answer->{json}{'total-successful-session-count'}, 5326, 'and its sessions';

$answer = $client->post('/v1/tlsrpt', encode_json(report()), %tcp);
is $answer->{status}, 201, 'and takes another one';

my ($dir) = said() =~ m{ \@(\S+)/report\.eml };
{
    local $helper->{port} = $rspamd_port;
    $answer = $client->post('/checkv2', $helper->read_file("$dir/report.eml"),
                            %tcp);
}
ok $answer->{json}{symbols}{TLSRPT_DUPLICATE}, 'the scanner answers too';

$answer = $client->get('/tlsrpt/', %tcp);
is $answer->{headers}{'content-type'}, 'text/html; charset=utf-8',
    'there is a dashboard';

$answer = $client->get('/tlsrpt/domains', %tcp,
                       headers => ['Accept-Encoding' => 'gzip']);
is $answer->{headers}{'content-encoding'}, 'gzip', 'whose JSON is compressed';

for my $domain (qw(example.com example.net example.org token.example)) {
    $answer = $client->get('/.well-known/mta-sts.txt',
                           host => "mta-sts.$domain", %tcp);
    is $answer->{status}, 200, "a policy for $domain";
    like $answer->{body}, qr/^version: STSv1\r\n/, 'in lines that end in CRLF';
}

kill 'TERM', $pid;
ok defined TLSRPT::Server::reap($pid, 20), 'SIGTERM ends it';
nothing_left('after SIGTERM');


# Ctrl-C reaches the whole group.
$pid = run();
TLSRPT::Server::wait_until(60, sub { return said() =~ /Ctrl-C ends it/ });
kill 'INT', -$pid;
ok defined TLSRPT::Server::reap($pid, 20), 'Ctrl-C ends it';
nothing_left('after Ctrl-C');


# A step that fails: no nginx starts.
$pid = start({ TLSRPT_NGINX => '/bin/false', PORT => $port,
               RSPAMD_PORT => $rspamd_port },
             $^X, "-I$top/t/lib", "$top/run/run");
my $status = TLSRPT::Server::reap($pid, 60);
ok $status, 'nginx does not start: it says so by its status';
like said(), qr/nginx/, 'and in words';
nothing_left('after a failure');


# A port is taken.
for my $taken ($port, $rspamd_port) {
    my $other = IO::Socket::INET->new(Listen => 1, ReuseAddr => 1,
        LocalAddr => '127.0.0.1', LocalPort => $taken);
    my $name = $taken == $port ? 'PORT' : 'RSPAMD_PORT';
    $pid = run();
    ok TLSRPT::Server::reap($pid, 60), "$name is taken: it fails";
    like said(), qr/^Port $taken is in use: make run $name=/m, 'and says so';
    undef $other;
    nothing_left('after that');
}

done_testing;
