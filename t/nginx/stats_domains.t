#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The list of the domains, page by page.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";

use TLSRPT::State;
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

sub totals {
    return join '', map { substr pack('Q<', $_), 0, 7 } @_;
}

sub post_report {
    my ($domain, $day, $id) = @_;

    my $answer = $t->post('/v1/tlsrpt', encode_json(
        report(domain => $domain, day => $day, 'report-id' => $id)));
    $answer->{status} == 201 or die "$domain: $answer->{body}";

    return;
}

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


# The lines.  Of one nobody has worked out what is open.

$t->redis('HDEL', 'tlsrpt:{d001.example}', 'p');
put_open($t, 'd003.example',
    open_entry('policy-not-found', 'mta-sts', 'medium', 'no'),
    open_entry('certificate-expired', 'mx', 'high', 'yes'));
put_open($t, 'd004.example',
    open_entry('policy-not-found', 'mta-sts', 'medium', 'perhaps'));
put_open($t, 'd005.example', open_entry('silence', 'd005.example', 'medium',
    'no', title => 'No reports', 'organization-names' => []));
put_none($t, 'd006.example');

my %lines = map { $_->{domain} => $_ }
    @{ $t->get('/tlsrpt/domains?limit=1000')->{json}{domains} };

is_deeply [sort keys %{ $lines{'d001.example'} }],
    [sort qw(domain reports total-successful-session-count status last-report
             total-failure-session-count problem-title lost-mail policy-mode)],
    'members';
is $lines{'d001.example'}{reports}, 1, 'one with a report';
is $lines{'d001.example'}{'total-successful-session-count'}, 100, 'successes';
is $lines{'d001.example'}{'total-failure-session-count'}, 3, 'failures';
is $lines{'d000.example'}{reports}, 0, 'one without';
is $lines{'d000.example'}{'last-report'}, undef, 'it never had one';

sub how {
    my ($domain) = @_;

    return [@{ $lines{$domain} }{qw(status problem-title lost-mail)}];
}

is_deeply how('d000.example'), ['waiting', undef, undef], 'never a report';
is_deeply how('d001.example'), ['failing', undef, undef],
    'as far as totals tell';
is_deeply how('d003.example'), ['failing', 'certificate-expired at mx', 'yes'],
    'the worst of two problems';
is_deeply how('d004.example'), 
    ['attention', 'policy-not-found at mta-sts', 'perhaps'],
    'no session has failed by it';
is_deeply how('d005.example'), ['silent', 'No reports', 'no'], 'silence';
is_deeply how('d006.example'), ['occasional', undef, 'no'],
    'failures, and nothing is open';

is $lines{'d002.example'}{'policy-mode'}, 'none', 'a policy that is served';
is $lines{'d001.example'}{'policy-mode'}, undef, 'or is not';

my $answer = $t->get('/tlsrpt/domains?limit=1&cursor=d002.example&from='
                     . today());
is $answer->{json}{from}, today(), 'from';
is $answer->{json}{to}, today(), 'to';
is_deeply [@{ $answer->{json}{domains}[0] }{qw(domain reports status)}],
    ['d003.example', 0, 'failing'], 'the sums of the range, how it is now';
is_deeply [@{ $t->get('/tlsrpt/domains?limit=1&cursor=d002.example&'
                      . 'from=2000-01-01&to=2000-03-01')->{json}{domains}[0] }
               {qw(domain reports status)}],
    ['d003.example', 0, 'failing'], 'of a range long ago';


# Days

is $t->get('/tlsrpt/domains?by=result-type')->{status}, 400, 'only by day';
is $t->get('/tlsrpt/domains?by=day', headers => [Accept => 'text/csv'])
     ->{status}, 400, 'not as CSV';

post_report('d004.example', day(-3), 5);
my $days = $t->get('/tlsrpt/domains?by=day&limit=1000')->{json}{domains};
my %days = map { $_->{domain} => $_->{'by-day'} } @$days;
is_deeply $days{'d004.example'}, [
    { day => day(-3), reports => 1, 'total-successful-session-count' => 100,
      'total-failure-session-count' => 3 },
    { day => day(-1), reports => 1, 'total-successful-session-count' => 100,
      'total-failure-session-count' => 3 }], 'the days that have reports';
is_deeply $days{'d000.example'}, [], 'one without';
is_deeply $t->get('/tlsrpt/domains?by=day&limit=1&cursor=d003.example&from='
                  . day(-2))->{json}{domains}[0]{'by-day'},
    [$days{'d004.example'}[1]], 'of the range';
is scalar @$days, scalar @known, 'all in one answer';


# More of it than is kept in memory

for my $i (1 .. 400) {
    $t->redis('HSET', "tlsrpt:{d006.example}:" . substr(day(-$i), 0, 7),
              substr(day(-$i), 8) + 0, totals(1, $i, 0, 0));
}

my $long = $t->get('/tlsrpt/domains?by=day&limit=2&cursor=d005.example&from='
                   . day(-390));
is scalar @{ $long->{json}{domains}[0]{'by-day'} }, 390, 'a year of days';
cmp_ok length $long->{body}, '>', 16384, 'a long answer';

done_testing;
