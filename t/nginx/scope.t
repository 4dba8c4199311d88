#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# A reader sees the domains of its scope, on every resource, and no others.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

my $t = servers(redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain a.example;
    tlsrpt_domain b.example;
    tlsrpt_domain .c.example;
    tlsrpt_domain silent.example;
    mta_sts_policy a.example mode=testing max_age=7d mx=mx.a.example;
    mta_sts_policy b.example mode=testing max_age=7d mx=mx.b.example;
    map $http_x_user $tenant {
        one    'a.example, .c.example';
        two    B.EXAMPLE.;
    }
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /all/ { tlsrpt_stats; }
        location /t/ { tlsrpt_stats; tlsrpt_scope $http_x_scope; }
        location /m/ { tlsrpt_stats; tlsrpt_scope $tenant; }
END

sub get {
    my ($path, $scope) = @_;

    return $t->get("/t/$path", headers => [ 'X-Scope' => $scope ]);
}

sub names {
    my ($answer) = @_;

    return join ' ',
        map { $_->{domain} } @{ decode_json($answer->{body})->{domains} };
}

for my $domain ('a.example', 'b.example', 'x.c.example') {
    my $answer = $t->post('/v1/tlsrpt',
        encode_json(report(domain => $domain)));
    is $answer->{status}, 201, "a report for $domain";
}

is names($t->get('/all/domains')),
    'a.example b.example c.example silent.example x.c.example',
    'without a scope all are seen';
is names(get('domains', '*')),
    'a.example b.example c.example silent.example x.c.example',
    'with * too';
is names(get('domains', $_)), 'a.example', "but not beside others: $_"
    for '* a.example', 'a.example,*';
is names(get('domains', 'a.example,b.example')), 'a.example b.example',
    'names with a comma';
is names(get('domains', ' a.example  B.Example. ')), 'a.example b.example',
    'names with blanks, in any spelling';
is names(get('domains', '.c.example')), 'c.example x.c.example',
    'a name with its subdomains';
is names(get('domains', '')), '', 'an empty scope sees none';
is names(get('domains', $_)), '', "nor does one of no name: $_"
    for 'not..a.name', '.not..a.name', '..', '.', '*.example', '**';
is names(get('domains', 'nowhere.example')), '',
    'a name that is neither configured nor seen';

# Pages do not show, or count, what is out of scope.
{
    my (@all, $next);

    do {
        my $answer = decode_json(get('domains?limit=1'
            . (defined $next ? "&cursor=$next" : ''),
            'x.c.example silent.example b.example')->{body});
        push @all, map { $_->{domain} } @{ $answer->{domains} };
        $next = $answer->{next};
    } while defined $next && @all < 10;

    is "@all", 'b.example silent.example x.c.example', 'page by page';
    is names(get('domains?cursor=a.example', '.c.example')),
        'c.example x.c.example', 'a cursor out of scope tells nothing';
}

my @resources = ('', '/problems', '/events', '/reports', '/senders', '/records',
    '/policy', '/reports/20261124-0123456789abcdef');

for my $resource (@resources) {
    my $path = "domains/b.example$resource";

    for my $scope ('a.example', '', 'xb.example', '.xb.example') {
        my $answer = get($path, $scope);
        is $answer->{status}, 404, "$path for \"$scope\"";
        unlike $answer->{body}, qr/mx\.b\.example|"policy"/, 'tells nothing';
    }

    next if $resource =~ m{/reports/};
    is get($path, 'b.example')->{status}, 200, "$path for its reader";
}

# What a stranger asks is answered as what does not exist.
is get('domains/b.example', 'a.example')->{body},
    get('domains/nowhere.example', 'a.example')->{body},
    'not there and not yours look the same';

my $metrics = get('metrics', 'a.example')->{body};
like $metrics, qr/policy_domain="a\.example"/, 'metrics of the scope';
unlike $metrics, qr/b\.example|c\.example|tlsrpt_(?:collect|mail)_re/,
    'and nothing else';
like get('metrics', '*')->{body}, qr/tlsrpt_collect_requests_total/,
    'who sees all sees the counts of the server';

# A policy without a domain is that of the header, where the others name several,
# not of who reads.
my $mixed = report(domain => 'b.example', 'report-id' => 'mixed');
push @{ $mixed->{policies} }, @{ report(domain => 'c.example')->{policies} };
my $nameless = report(domain => 'a.example')->{policies}[0];
delete $nameless->{policy}{'policy-domain'};
$nameless->{policy}{'mx-host'} = ['only-of.a.example'];
push @{ $mixed->{policies} }, $nameless;
is_deeply $t->post('/v1/tlsrpt', encode_json($mixed),
    headers => ['TLS-Report-Domain' => 'a.example'])->{json}{'policy-domains'},
    ['b.example', 'c.example', 'a.example'], 'a report with a policy that names no domain';

sub mixed {
    my ($domain, $scope, $accept) = @_;

    my ($id) = map { $_->{id} } grep { $_->{'report-id'} eq 'mixed' }
        @{ get("domains/$domain/reports", $scope)->{json}{reports} };

    return $t->get("/t/domains/$domain/reports/$id", headers =>
                   ['X-Scope' => $scope, Accept => $accept]);
}

for my $type ('application/json', 'text/plain') {
    unlike mixed('b.example', 'b.example', $type)->{body}, qr/a\.example/,
        "$type: not shown as another's";
    like mixed('a.example', 'a.example', $type)->{body}, qr/only-of\.a/,
        "$type: shown as its own";
}

for my $scope ('b.example', '*') {
    my $text = mixed('b.example', $scope, 'application/tlsrpt+json')->{body};
    like $text, qr/"b\.example"/, 'the text: its own';
    unlike $text, qr/[ac]\.example/, 'and nothing of others';
}
like mixed('a.example', '*', 'application/tlsrpt+json')->{body},
    qr/only-of\.a\.example/, 'what names nobody is of whom it was given to';

# The index is read in pieces of a thousand names, on and on until the page is
# full: names of others before those of a reader make none disappear.
{
    my @others = map { sprintf 'd%04d.example', $_ } 1 .. 2500;
    my @own = map { "$_.tenant.example" } 'x', 'y', 'z';

    $t->redis('ZADD', 'tlsrpt:domains', map { (0, $_) } @others, @own);
    $t->redis('COPY', 'tlsrpt:{a.example}', "tlsrpt:{$_}") for @own;

    is names(get('domains', '.tenant.example')), "@own",
        'behind 2500 names of others';
    is names(get('domains?limit=2', '.tenant.example')), "@own[0, 1]",
        'a page of them';
    is get('domains?limit=2', '.tenant.example')->{json}{next}, $own[1],
        'which is not the last';
    is names(get("domains?limit=2&cursor=$own[1]", '.tenant.example')),
        $own[2], 'the last page';
    is get("domains?limit=2&cursor=$own[1]", '.tenant.example')->{json}{next},
        undef, 'is that';

    my $all = get('metrics', '.tenant.example')->{body};
    is scalar(() = $all =~ /^tlsrpt_reports_total\{/mg), 3,
        'metrics of all three';
}

# Given by a map.
is names($t->get('/m/domains', headers => [ 'X-User' => 'one' ])),
    'a.example c.example x.c.example', 'one tenant';
is names($t->get('/m/domains', headers => [ 'X-User' => 'two' ])), 'b.example',
    'another';
is names($t->get('/m/domains')), '', 'and a stranger';

done_testing;
