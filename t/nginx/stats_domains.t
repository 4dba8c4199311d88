#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The list of the domains, page by page.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::Test;

# Of 260 names a third is configured, a third has a policy, and a third has
# reports; some are two of it, or all.
my @names = sort map { sprintf 'd%03d.example', $_ } 0 .. 258;
push @names, 'below.wild.example', 'wild.example';

my @configured = grep { /[0147]\.example/ } @names;
my @policies   = grep { /[258]\.example/ } @names;
my @reported   = grep { /[369145]\.example/ } @names;

my $t = servers(workers => 2, redis => 1, http => join("\n",
    'tlsrpt_redis %%REDIS%%;', 'tlsrpt_domain .wild.example;',
    (map { "tlsrpt_domain $_;" } @configured,
                                 grep { !/[0147]\.example/ } @reported),
    (map { "mta_sts_policy $_ mode=none max_age=1d;" } @policies), ''),
    server => <<'END');
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt { tlsrpt_stats; }
END

for my $name (@reported, 'below.wild.example') {
    my $answer = $t->post('/v1/tlsrpt', encode_json(report(domain => $name)));
    $answer->{status} == 201 or die "$name: $answer->{body}";
}

# Now that they were seen, most need not be configured any more.
$t->{http} = join "\n", 'tlsrpt_redis %%REDIS%%;',
    'tlsrpt_domain .wild.example;',
    (map { "tlsrpt_domain $_;" } @configured),
    (map { "mta_sts_policy $_ mode=none max_age=1d;" } @policies), '';
$t->write_file('nginx.conf', $t->nginx_conf);
$t->reload;

my %known = map { $_ => 1 } @configured, @policies, @reported,
    'below.wild.example', 'wild.example';
my @known = sort keys %known;

# All names, page by page; the number of pages.
sub pages {
    my ($limit) = @_;

    my (@all, $next, $n);

    do {
        my $query = ($limit ? "limit=$limit&" : '')
            . (defined $next ? "cursor=$next" : '');
        my $answer = $t->get("/tlsrpt/domains?$query");
        die "?$query: $answer->{body}" if $answer->{status} != 200;

        my @page = map { $_->{domain} } @{ $answer->{json}{domains} };
        die 'a page that is too long' if @page > ($limit || 100);

        push @all, @page;
        $next = $answer->{json}{next};
        die "endless: $next" if ++$n > 300;
    } while (defined $next);

    return (\@all, $n);
}

cmp_ok scalar(@known), '>', 250, 'many domains';

for my $limit (undef, 1, 7, 100, 130, scalar(@known) - 1, scalar(@known), 1000)
{
    my ($all, $n) = pages($limit);
    my $name = defined $limit ? "limit=$limit" : 'without limit';

    is_deeply $all, \@known, "$name: each once, sorted";
    is $n, int((@known + ($limit || 100) - 1) / ($limit || 100)),
        'on as many pages as needed';
}

is_deeply $t->get('/tlsrpt/domains?cursor=zz.example')->{json}{domains}, [],
    'nothing after the last one';
is $t->get('/tlsrpt/domains?cursor=d1001.example&limit=1')
     ->{json}{domains}[0]{domain}, 'd101.example',
    'a cursor need not be a domain of ours';


# The lines

my %lines = map { $_->{domain} => $_ }
    @{ $t->get('/tlsrpt/domains?limit=1000')->{json}{domains} };

is_deeply [sort keys %{ $lines{'d001.example'} }],
    [sort qw(domain reports total-successful-session-count status last-report
             total-failure-session-count)], 'members';
is $lines{'d001.example'}{reports}, 1, 'one with a report';
is $lines{'d001.example'}{'total-successful-session-count'}, 100, 'successes';
is $lines{'d001.example'}{'total-failure-session-count'}, 3, 'failures';
is $lines{'d001.example'}{status}, 'failing', 'its status';
is $lines{'d000.example'}{reports}, 0, 'one without';
is $lines{'d000.example'}{'last-report'}, undef, 'it never had one';

my $answer = $t->get('/tlsrpt/domains?limit=1&cursor=d000.example&from='
                     . today());
is $answer->{json}{from}, today(), 'from';
is $answer->{json}{to}, today(), 'to';
is_deeply [@{ $answer->{json}{domains}[0] }{qw(domain reports status)}],
    ['d001.example', 0, 'ok'], 'reports of before only, that came today';

done_testing;
