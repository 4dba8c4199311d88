#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# tlsrpt_redis with a real Redis: addresses, users, passwords, databases,
# prefixes, scripts and restarts.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $SECRET = 'sesame-41';
my $n = 0;

sub fresh { return encode_json(report('report-id' => 'redis-' . ++$n)) }

# An nginx whose tlsrpt_redis is this, before a Redis with these options.
sub with {
    my ($redis, @options) = @_;

    my $t = servers(nginx => 0, http => <<"END", server => <<'END');
    tlsrpt_redis $redis;
    tlsrpt_redis_timeout 1s;
    tlsrpt_domain example.com;
END
        location /v1/tlsrpt { tlsrpt_collect; }
END

    $t->{tcp} = free_tcp();
    $t->{http} =~ s/%%TCP%%/127.0.0.1:$t->{tcp}/;
    $t->{http} =~ s/%%TCPPORT%%/$t->{tcp}/;
    $t->start_redis('--port', $t->{tcp}, @options);
    $t->write_file('password', "$SECRET\r\nnot this\n");
    chmod 0600, $t->dir . '/password' or die "chmod: $!";
    $t->start_nginx;

    return $t;
}

sub free_tcp { return TLSRPT::Server::free_port() }

sub post { return $_[0]->post('/v1/tlsrpt', $_[1] || fresh()) }

sub stored {
    my ($t, $name) = @_;

    my $body = fresh();
    is post($t, $body)->{status}, 201, "$name: stored";
    is post($t, $body)->{status}, 200, "$name: a duplicate";

    return;
}

sub refused {
    my ($t, $name, $like) = @_;

    is post($t)->{status}, 503, "$name: 503";
    like $t->error_log, $like, "$name: said so";
    unlike $t->error_log, qr/sesame|wrong-42/, "$name: without the password";

    return;
}


my $t = with('%%TCP%%');
stored($t, 'TCP');
my $pings = () = $t->redis('CLIENT', 'LIST') =~ / addr=127/g;
is $pings, 1, 'one connection';
my @keys = @{ $t->redis('KEYS', '*') };
is scalar(grep { !/^tlsrpt:/ } @keys), 0, 'the prefix in every key';
my $of_all = qr/^tlsrpt:(?:domains|due|open|events|untold|lease:\w+
                         |\{checks\}:\w+)\z/x;
my @own = grep { $_ !~ $of_all } @keys;
is scalar(grep { !/\{example\.com\}/ } @own), 0,
    'the hash tag of the domain in every key but those of all';
is scalar(grep { $t->redis('TTL', $_) < 0 } @own), 0,
    'every key of a domain expires';

# Redis forgets its scripts.
$t->redis('SCRIPT', 'FLUSH');
stored($t, 'after SCRIPT FLUSH');

# Redis closes the connection, idle and busy.
$t->redis('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
stored($t, 'after CLIENT KILL');

# A short restart is not seen.
$t->stop_redis;
my $socket = $t->connection;
my $body = fresh();
print $socket "POST /v1/tlsrpt HTTP/1.1\r\nHost: localhost\r\n"
    . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
$socket->flush;
TLSRPT::Server::wait_until(10, sub { $t->error_log =~ /cannot connect/ });
$t->start_redis('--port', $t->{tcp});
is TLSRPT::Server::read_answer($socket)->{status}, 201,
    'a report while Redis is restarted';
finish($t);


# Of several addresses of a name, the one that answers is found.
$t = with('localhost:%%TCPPORT%%', '--bind', '127.0.0.1');
stored($t, 'localhost');
finish($t);


$t = with('unix:%%DIR%%/redis.sock db=3 prefix=other-prefix');
stored($t, 'unix socket, db, prefix');
is $t->redis('DBSIZE'), 0, 'nothing in db 0';
$t->redis('SELECT', 3);
@keys = @{ $t->redis('KEYS', '*') };
cmp_ok scalar @keys, '>', 1, 'keys in db 3';
is scalar(grep { !/^other-prefix:/ } @keys), 0, 'with the prefix';
finish($t);


$t = with("%%REDIS%% password=$SECRET", '--requirepass', $SECRET);
stored($t, 'password');
finish($t);

$t = with('%%REDIS%% password_file=password db=2', '--requirepass', $SECRET);
stored($t, 'password_file and db');
finish($t);

my @user = ('--user', 'reporter', 'on', ">$SECRET", '~*', '+@all');
$t = with("%%REDIS%% user=reporter password=$SECRET", @user);
stored($t, 'user');
finish($t);

$t = with('%%REDIS%% user=reporter password=wrong-42 db=1', @user);
refused($t, 'wrong password', qr/refuses AUTH: WRONGPASS/);
is $t->redis('DBSIZE'), 0, 'wrong password: nothing is stored';
finish($t);

$t = with("%%REDIS%% password=$SECRET");
refused($t, 'password, but none is set', qr/refuses AUTH: ERR/);
finish($t);

$t = with('%%REDIS%%', '--requirepass', $SECRET);
refused($t, 'no password, but one is set',
        qr/check user and password of "tlsrpt_redis"/);
finish($t);

$t = with('%%REDIS%% db=9999');
refused($t, 'no such db', qr/refuses SELECT: ERR/);
is $t->redis('DBSIZE'), 0, 'no such db: not stored elsewhere';
finish($t);

$t = with("%%REDIS%% user=reader password=$SECRET",
          '--user', 'reader', 'on', ">$SECRET", '~*', '+get');
refused($t, 'no permission', qr/NOPERM/);
finish($t);

# Redis is full, a replica, or loading.
$t = with('%%REDIS%%', '--maxmemory', '100kb');
refused($t, 'no memory', qr/OOM/);
finish($t);

$t = with('%%REDIS%%', '--replicaof', '127.0.0.1 1');
refused($t, 'a replica', qr/READONLY|MASTERDOWN/);
finish($t);

done_testing;
