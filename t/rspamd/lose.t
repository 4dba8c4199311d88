# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Every way to lose a mailed report: each ends in a soft reject, so that the
# sender's queue keeps it, and the retry counts it once.

use TLSRPT::Test;
use TLSRPT::FakeRedis;
use TLSRPT::Mail;
use TLSRPT::Rspamd;

use IO::Socket::INET;
use Time::HiRes qw(sleep time);

my $server = servers(nginx => 0, redis => 1);
my $n = 0;
my $names = 0;

sub fresh { return report('report-id' => 'id-' . ++$n, @_) }
sub fresh_mail { return signed(report_mail(fresh()), 'sender.example') }

sub rspamd {
    my (%args) = @_;

    my $tlsrpt = delete $args{tlsrpt} || '';

    return TLSRPT::Rspamd->new(
        server  => $server,
        name    => 'rspamd' . ++$names,
        signers => ['sender.example'],
        tlsrpt  => "domains = [\"example.com\"]; $tlsrpt",
        %args,
    )->start;
}

sub symbol {
    my ($answer) = @_;

    return join ' ', map { s/^TLSRPT_//r }
        grep { /^TLSRPT_/ } sort keys %{ $answer->{symbols} };
}

# The mail is sent back, for the reason.
sub sent_back {
    my ($rspamd, $mail, $name, $reason) = @_;

    my $answer = $rspamd->scan($mail);
    is(symbol($answer), 'FAIL', "$name: TLSRPT_FAIL");
    is($answer->{action}, 'soft reject', "$name: sent back");
    like(($answer->{symbols}{TLSRPT_FAIL}{options} || [''])->[0], $reason,
         "$name: why");

    return $answer;
}

sub stored {
    my ($rspamd, $mail, $name) = @_;

    return is(symbol($rspamd->scan($mail)), 'REPORT', $name);
}

sub ordinary_passes {
    my ($rspamd, $name) = @_;

    my $answer = $rspamd->scan("Subject: hi\r\n\r\nhello\r\n");

    return is($answer->{action}, 'no action', "$name: other mail passes");
}

sub done { is($_[0]->stop, '', 'nothing bad in the log') }

# How many reports were counted in all.
sub counted { return $server->counted('example.com') }

# Redis away, and back

my $rspamd = rspamd(tlsrpt => 'timeout = 0.3;');
my $mail = fresh_mail();

$server->stop_redis;
sent_back($rspamd, $mail, 'Redis stopped', qr/Redis/);
ordinary_passes($rspamd, 'Redis stopped');
$server->start_redis;
stored($rspamd, $mail, 'Redis started: the retry is stored');
is(symbol($rspamd->scan($mail)), 'DUPLICATE', 'and again: a duplicate');
is(counted(), 1, 'it is counted once');

kill 'KILL', $server->{redis_pid};
$server->stop_redis;
$mail = fresh_mail();
sent_back($rspamd, $mail, 'Redis killed', qr/Redis/);
$server->start_redis;
stored($rspamd, $mail, 'after Redis was killed');
is(counted(), 1, 'it is counted once');

$mail = fresh_mail();
kill 'STOP', $server->{redis_pid};
sent_back($rspamd, $mail, 'Redis frozen', qr/Redis/);
ordinary_passes($rspamd, 'Redis frozen');
kill 'CONT', $server->{redis_pid};
like(symbol($rspamd->scan($mail)), qr/^(?:REPORT|DUPLICATE)$/,
     'Redis thawed: the retry finds it stored or stores it');
is(counted(), 2, 'it is counted once');

# The client goes while its mail is open; nothing of it is touched later.
kill 'STOP', $server->{redis_pid};
for (1 .. 5) {
    my $socket = $rspamd->send_mail(fresh_mail());
    sleep 0.1;
    close $socket;
}
sleep 0.5;
kill 'CONT', $server->{redis_pid};
stored($rspamd, fresh_mail(), 'clients that went away do no harm');

# Redis that refuses

for my $case (
    ['REPLICAOF', ['REPLICAOF', '127.0.0.1', '9'],
     ['REPLICAOF', 'NO', 'ONE'], qr/READONLY|MASTERDOWN/],
    ['out of memory', ['CONFIG', 'SET', 'maxmemory', '1'],
     ['CONFIG', 'SET', 'maxmemory', '0'], qr/OOM/],
    ['no disk', ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
     ['CONFIG', 'SET', 'min-replicas-to-write', '0'], qr/NOREPLICAS/],
    ['EVAL forbidden', ['ACL', 'SETUSER', 'default', '-eval'],
     ['ACL', 'SETUSER', 'default', '+eval'], qr/NOPERM/],
) {
    my ($name, $on, $off, $reason) = @$case;

    my $before = counted();
    $mail = fresh_mail();
    $server->redis(@$on);
    sent_back($rspamd, $mail, $name, $reason);
    $server->redis(@$off);
    stored($rspamd, $mail, "$name: the retry is stored");
    is(counted(), $before + 1, "$name: once");
}

$server->redis('CONFIG', 'SET', 'requirepass', 'secret');
my $auth = rspamd(tlsrpt => 'timeout = 0.3;');
sent_back($auth, $mail = fresh_mail(), 'no password', qr/NOAUTH/);
done($auth);
$auth = rspamd(tlsrpt => 'password = "wrong-word";');
sent_back($auth, $mail, 'a wrong password', qr/WRONGPASS|NOAUTH/);
unlike($auth->log, qr/wrong-word/, 'no password in the log');
done($auth);
$auth = rspamd(tlsrpt => 'password = "secret";');
stored($auth, $mail, 'the right password');
unlike($auth->log, qr/secret/, 'no password in the log');
done($auth);
$server->redis('CONFIG', 'SET', 'requirepass', '');
done($rspamd);

# Redis that answers oddly, late or never

my $path = $server->dir . '/fake.sock';

sub fake_redis {
    my ($name, $reason, $eval, %args) = @_;

    my $fake = TLSRPT::FakeRedis->new($path, sub {
        my ($socket, $command) = @_;
        return $command eq 'EVAL' ? $eval->($socket) : ":1\r\n";
    });
    my $rspamd = rspamd(redis => 0, tlsrpt => "servers = \"$path\";"
                        . ($args{tlsrpt} || 'timeout = 0.3;'),
                        task_timeout => $args{task_timeout} || 8);
    sent_back($rspamd, fresh_mail(), $name, $reason);
    done($rspamd);
}

fake_redis('loading', qr/LOADING/, sub { "-LOADING Redis is loading\r\n" });
fake_redis('busy', qr/BUSY/, sub { "-BUSY Redis is busy\r\n" });
fake_redis('moved', qr/MOVED/, sub { "-MOVED 1 192.0.2.1:6379\r\n" });
fake_redis('nil', qr/unexpected/, sub { "\$-1\r\n" });
fake_redis('another answer', qr/unexpected/, sub { "+OK\r\n" });
fake_redis('another number', qr/unexpected/, sub { ":7\r\n" });
fake_redis('half an answer', qr/Redis/, sub { ':' });
fake_redis('no protocol', qr/Redis/, sub { "HTTP/1.1 400\r\n\r\n" });
fake_redis('closes', qr/Redis/, sub { '' });
fake_redis('silent', qr/Redis/, sub { undef });

# A task that had no time left would end without a symbol.
fake_redis('slower than the task', qr/Redis|in time/,
    sub { undef }, tlsrpt => 'timeout = 60;', task_timeout => 2);

# DNS

my $silent = IO::Socket::INET->new(Proto => 'udp', LocalAddr => '127.0.0.1')
    or die "udp: $!";

my $dns = rspamd(
    signers => [], task_timeout => 2, filters => 'dkim,spf',
    nameserver => '127.0.0.1:' . $silent->sockport,
    dns_options => 'timeout = 1s; retransmits = 5;');
sent_back($dns, fresh_mail(), 'a name server that never answers',
          qr/in time|key look-up/);
done($dns);

$rspamd = rspamd(signers => [], nameserver => '127.0.0.1:9');
sent_back($rspamd, fresh_mail(), 'no name server', qr/key look-up/);
done($rspamd);

# Answers that never come, and errors of our own

for my $case (
    ['an error in a callback of Redis', qr/internal error/, sub {
        s/(local function answered\(reply\)\n)/$1 error('boom')\n/ },
     'store'],
    ['an error in a callback of DKIM', qr/internal error/, sub {
        s/(local function signatures_known\([^)]*\)\n)/$1 error('boom')\n/ }],
    ['an error on the way', qr/internal error/, sub {
        s/(local function read_report\([^)]*\)\n)/$1 error('boom')\n/ }],
    ['an error in recognition', qr/internal error/, sub {
        s/(local function find_reports\([^)]*\)\n)/$1 error('boom')\n/ }],
    ['Redis cannot be asked', qr/cannot connect/, sub {
        s/lua_redis\.redis_make_request\(/(function() return false end)(/ },
     'mail_redis'],
    ['Redis: no callback', qr/never given: Redis, EVAL/, sub {
        s/lua_redis\.redis_make_request\(/(function() return true end)(/ },
     'mail_redis'],
    ['DKIM: no callback', qr/never given: the key of x$/, sub {
        s/    dkim\.verify\(/    (function(_, _, _, await)
            await('the key of x', print) end)(/ }, 'signers'],
    ['an error when it is loaded', qr/internal error/, sub {
        s/(function exports\.read\([^)]*\)\n)/$1 error('boom')\n/ },
     'options'],
) {
    my ($name, $reason, $edit, $module) = @$case;

    my $rspamd = rspamd(edit => $edit, edit_module => $module);
    sent_back($rspamd, fresh_mail(), $name, $reason);
    ordinary_passes($rspamd, $name) unless $name =~ /recognition/;
    unlike($rspamd->stop, qr/crash|abnormal|status/, 'and no crash');
}

# What would turn the plugin off; of what would not be counted anyway, nothing
# is sent back

sub uncounted {
    my $text = TLSRPT::Mail::part('text/plain', 'x', encoding => '8bit');
    my $report = report_mail(fresh());
    my $dmarc = report_part('<xml/>', type => 'application/gzip',
                            name => 'a!b!1!2.xml.gz');
    my $outgoing = report(domain => 'elsewhere.example',
                          'contact-info' => 'tlsrpt@sender.example');

    return (
        ['an unsigned report', $report],
        ['one that another signed', signed(report_mail(fresh()),
                                           'other.example')],
        ['a forwarded report', nested($report)],
        ['a signed mail with a forwarded report',
         signed(nested($report), 'sender.example')],
        ['a bounce', mail([$text, TLSRPT::Mail::part('message/rfc822',
            signed($report, 'sender.example'), encoding => '8bit')],
            type => 'report; report-type=delivery-status', subject => 'x')],
        ['a DMARC report', signed(mail([$text, $dmarc], type => 'mixed'),
                                  'sender.example')],
        ['an outgoing report', report_mail($outgoing), user => 'tlsrpt'],
        ['an outgoing report, signed',
         signed(report_mail($outgoing, name => 'a!elsewhere.example!1!2.json',
                headers => ['TLS-Report-Domain: elsewhere.example'],
                subject => 'Report Domain: elsewhere.example Submitter:'
                           . ' sender.example Report-ID: <1@a>'),
                'sender.example'), user => 'tlsrpt'],
        ['no report', signed(mail([$text]), 'sender.example')],
    );
}

for my $case (
    ['no C module', qr/cannot load tlsrpt_lua:/,
     { cpath => '/nonexistent/?.so' }],
    ['no Lua modules', qr{cannot load tlsrpt/}, { path => '/nonexistent/?' }],
    ['several Redis servers', qr/several Redis servers/,
     { redis => 0, tlsrpt => 'servers = "' . $server->redis_socket
                             . ',127.0.0.1:9";' }],
    ['a Redis host without an address', qr/Redis/,
     { redis => 0, tlsrpt => 'servers = "redis.invalid:6379";' }],
    ['no address, though redis.conf has another Redis', qr/Redis/,
     { redis => 0, tlsrpt => 'servers = "redis.invalid:6379";',
       config => 'redis { servers = "' . $server->redis_socket . '"; }' }],
    ['no Redis configured', qr/Redis/, { redis => 0 }],
    ['a Redis to read from only', qr/Redis/,
     { redis => 0, tlsrpt => 'read_servers = "' . $server->redis_socket
                             . '";' }],
    ['an unknown option', qr/unknown option "retenton"/,
     { tlsrpt => 'retenton = 10d;' }],
    ['a bad value', qr/"retention"/, { tlsrpt => 'retention = "long";' }],
    ["rspamd's dkim module is off", qr/dkim/, { filters => '' }],
    ['a file of domains that is missing', qr/empty, or not loaded/,
     { whole => 'domains = "' . $server->dir . '/none.map";' }],
    ['an URL of domains that cannot be loaded', qr/empty, or not loaded/,
     { whole => 'domains = "http://127.0.0.1:9/domains";' }],
) {
    my ($name, $reason, $args) = @$case;

    my %args = %$args;
    my $whole = delete $args{whole};
    my $rspamd = rspamd(%args);
    if ($whole) {
        $rspamd->stop;
        $rspamd = TLSRPT::Rspamd->new(server => $server, tlsrpt => $whole,
            name => 'rspamd' . ++$names, signers => ['sender.example'],
        )->start;
    }
    sent_back($rspamd, fresh_mail(), $name, $reason);
    ordinary_passes($rspamd, $name);
    for my $case (uncounted()) {
        my ($what, $mail, %options) = @$case;
        next if $name eq 'no Lua modules' && $what =~ /another signed/;
        is($rspamd->scan($mail, %options)->{action}, 'no action',
           "$name: $what passes");
    }
    done($rspamd);
}

done_testing;
