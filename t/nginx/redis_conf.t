#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What nginx -t says of wrong directives of collecting: reason, file, line.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(nginx => 0);
my $COLLECT = "location /c { tlsrpt_collect; }\n";

sub good {
    my ($name, %conf) = @_;

    my ($ok, $said) = $t->nginx_test(%conf);
    ok $ok, "$name is taken" or diag $said;
    unlike $said, qr/\[(?:warn|emerg)\]/, "$name: without a warning";

    return;
}

sub bad {
    my ($name, $like, %conf) = @_;

    my ($ok, $said) = $t->nginx_test(%conf);
    ok !$ok, "$name is refused";
    like $said, $like, "$name: why";
    like $said, qr/ in \S+test\.conf:\d+$/m, "$name: where";

    return;
}

$t->write_file('password', "sesame-41\n");
chmod 0600, $t->dir . '/password' or die "chmod: $!";
$t->write_file('empty', "\nsesame-41\n");

good('a bare address', http => 'tlsrpt_redis 127.0.0.1:6379;',
     server => $COLLECT);
good('an address without a port', http => 'tlsrpt_redis 127.0.0.1;');
good('an IPv6 address', http => 'tlsrpt_redis [2001:db8::1]:6379;');
good('localhost', http => 'tlsrpt_redis localhost:6379;');
good('all parameters', http => 'tlsrpt_redis unix:/run/redis.sock db=15 '
     . 'user=u password_file=password prefix=p-1:x;');
good('retention', http => 'tlsrpt_retention 400d reports=30d;');
good('retention in weeks', http => 'tlsrpt_retention 57w;');
good('retention in bare days', http => 'tlsrpt_retention 90 reports=0;');
good('retention without reports', http => 'tlsrpt_retention 90d reports=off;');
good('domains', http => 'tlsrpt_domain example.com; tlsrpt_domain .example.net'
     . " token=Az09_.~-; tlsrpt_domain b\xc3\xbccher.example;");

my %redis = (
    'no address'           => ['', qr/invalid number of arguments/],
    'no host'              => [':6379', qr/no host/],
    'a port alone'         => ['6379', qr/"6379" .* port alone/],
    'a bad port'           => ['127.0.0.1:99999', qr/invalid port/],
    'an unknown parameter' => ['127.0.0.1 frobnicate=1', qr/"frobnicate"/],
    'ssl'                  => ['127.0.0.1 ssl', qr/"ssl"/],
    'cluster'              => ['127.0.0.1 cluster', qr/"cluster"/],
    'sentinel'             => ['127.0.0.1 sentinel=m', qr/"sentinel"/],
    'two addresses'        => ['127.0.0.1 127.0.0.2', qr/"127\.0\.0\.2"/],
    'a bad db'             => ['127.0.0.1 db=x', qr/"db"/],
    'a negative db'        => ['127.0.0.1 db=-1', qr/"db"/],
    'an empty db'          => ['127.0.0.1 db=', qr/"db"/],
    'a brace in the prefix' => ["127.0.0.1 'prefix=a{b'", qr/invalid prefix/],
    'a blank in the prefix' => ["127.0.0.1 'prefix=a b'", qr/invalid prefix/],
    'a long prefix'        => ['127.0.0.1 prefix=' . 'x' x 65,
                               qr/invalid prefix/],
    'a user alone'         => ['127.0.0.1 user=u', qr/without a "password"/],
    'two passwords'        => ['127.0.0.1 password=sesame-41 '
                               . 'password_file=password',
                               qr/two passwords/],
    'a missing file'       => ['127.0.0.1 password_file=nowhere',
                               qr/nowhere" failed/],
    'an empty file'        => ['127.0.0.1 password_file=empty',
                               qr/no password in the first line/],
    'a misspelled password' => ['127.0.0.1 pasword=sesame-41',
                                qr/parameter "pasword"/],
);

for my $name (sort keys %redis) {
    my ($args, $like) = @{ $redis{$name} };
    bad($name, $like, http => "tlsrpt_redis $args;");
}
unlike $t->read_file('test.out'), qr/sesame/, 'no password in what was said';

chmod 0644, $t->dir . '/password' or die "chmod: $!";
my ($ok, $said) = $t->nginx_test(
    http => 'tlsrpt_redis 127.0.0.1 password_file=password;');
ok $ok, 'a password file for everyone is taken';
like $said, qr/\[warn\].*everyone may read.* in \S+test\.conf:\d+$/m,
    'with a warning';

bad('two Redis', qr/"tlsrpt_redis" directive is duplicate/,
    http => 'tlsrpt_redis 127.0.0.1; tlsrpt_redis 127.0.0.2;');
bad('no Redis to collect', qr/"tlsrpt_collect" needs "tlsrpt_redis"/,
    server => $COLLECT);
bad('no Redis to read', qr/"tlsrpt_stats" needs "tlsrpt_redis"/,
    server => "location /s { tlsrpt_stats; }\n");

my %http = (
    'no retention'       => ['tlsrpt_retention 0;', qr/whole days/],
    'half a day'         => ['tlsrpt_retention 12h;', qr/whole days/],
    'a long retention'   => ['tlsrpt_retention 10001d;', qr/whole days/],
    'words for retention' => ['tlsrpt_retention long;', qr/whole days/],
    'an unknown parameter of retention' =>
        ['tlsrpt_retention 1d report=1d;', qr/invalid parameter/],
    'bad days for reports' =>
        ['tlsrpt_retention 1d reports=x;', qr/whole days for "reports"/],
    'two retentions'     =>
        ['tlsrpt_retention 1d; tlsrpt_retention 2d;', qr/duplicate/],
    'no domain'          => ['tlsrpt_domain a..b;', qr/invalid domain "a..b"/],
    'a star'             => ['tlsrpt_domain *.example.com;',
                             qr/invalid domain/],
    'a dot'              => ['tlsrpt_domain .;', qr/invalid domain/],
    'two dots'           => ['tlsrpt_domain ..example.com;',
                             qr/invalid domain/],
    'an unknown parameter of a domain' =>
        ['tlsrpt_domain example.com tokn=sesame-41;', qr/only "token="/],
    'an empty token'     => ['tlsrpt_domain example.com token=;',
                             qr/needs a token/],
    'a slash in a token' => ['tlsrpt_domain example.com token=a/b;',
                             qr/needs a token/],
    'a token of dots'    => ['tlsrpt_domain example.com token=..;',
                             qr/needs a token/],
    'a long token'       => ['tlsrpt_domain example.com token=' . 'x' x 129
                             . ';', qr/needs a token/],
    'a domain twice'     =>
        ["tlsrpt_domain example.com;\ntlsrpt_domain EXAMPLE.com.;",
         qr/duplicate "tlsrpt_domain" "example\.com", the other is in \S+:\d+/],
    'a domain with and without the dot' =>
        ["tlsrpt_domain example.com;\ntlsrpt_domain .example.com;",
         qr/duplicate/],
    'a token twice'      =>
        ["tlsrpt_domain example.com token=sesame-41;\n"
         . 'tlsrpt_domain example.net token=sesame-41;',
         qr/the token of "tlsrpt_domain" "example\.net" is that of "example\.com"/],
    'no size'            => ['tlsrpt_max_report_size 0;', qr/must not be zero/],
);

for my $name (sort keys %http) {
    my ($text, $like) = @{ $http{$name} };
    bad($name, $like, http => $text);
    unlike $t->read_file('test.out'), qr/sesame/, "$name: no secret said"
        if $text =~ /sesame/;
}

my %server = (
    'a regular expression' => ['location ~ /c { tlsrpt_collect; }',
                               qr/not a regular expression/],
    'a named location'   => ['location @c { tlsrpt_collect; }',
                             qr/not a regular expression or a name/],
    'twice'              => ['location /c { tlsrpt_collect; tlsrpt_collect; }',
                             qr/duplicate/],
    'both in one'        => ['location /c { tlsrpt_collect; tlsrpt_stats; }',
                             qr/not the only one/],
    'an argument'        => ['location /c { tlsrpt_collect on; }',
                             qr/invalid number of arguments/],
);

for my $name (sort keys %server) {
    my ($text, $like) = @{ $server{$name} };
    bad($name, $like, http => 'tlsrpt_redis 127.0.0.1;', server => $text);
}

# Many domains: neither slow to read nor slow to find.
my $many = join '', map { "tlsrpt_domain d$_.example token=t$_;\n" }
    1 .. 100_000;
$t->write_file('many.conf', $many);
good('100,000 domains', http => 'include %%DIR%%/many.conf;');

done_testing;
