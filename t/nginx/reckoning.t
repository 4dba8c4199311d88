#!/usr/bin/perl

# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Random reports, with duplicates, from several clients at once against two
# workers; then every answer about them against a reckoning of our own.

use strict;
use warnings;
use utf8;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Encode qw(encode_utf8);
use IO::Compress::Gzip qw(gzip);
use List::Util qw(shuffle);
use POSIX qw(strftime);
use TLSRPT::Test;

my $SEED    = $ENV{TLSRPT_SEED} || 20260101;
my $REPORTS = 2000;
my $CLIENTS = 8;
my $QUERIES = 120;              # of random ones, a domain
my $BASE    = '/tlsrpt/domains';

srand $SEED;
note "seed $SEED";


# What there is to choose from.  Of two forms the first is sent, and the second
# is what it means.

my $TODAY = int(time / 86400);

my @DOMAINS = (
    ['example.com', 'example.com'], ['Example.NET.', 'example.net'],
    ['example.org', 'example.org'], ['bücher.example', 'xn--bcher-kva.example'],
);
my $TOKEN_DOMAIN = 'token.example';

my @ORGANIZATIONS = (
    'Example Inc.', 'Wörld "Mail", Ltd', '=HYPERLINK("x")', '@mail <b>',
    "O'Back\\slash & Sons", "日本 \x{1f600}", '+1 & more, less', 'example inc.',
);

my @TYPES = (
    (['sts', 'sts']) x 4, (['tlsa', 'tlsa']) x 2, ['STS', 'sts'],
    ['no-policy-found', 'no-policy-found'], ['Dane-Next', 'dane-next'],
);

my %DETAIL = (
    'result-type' => [
        (map { [$_, $_] } qw(certificate-expired starttls-not-supported
                             validation-failure certificate-host-mismatch)),
        ['Testing', 'testing'],
    ],
    'sending-mta-ip' => [
        ['192.0.2.1', '192.0.2.1'], ['192.0.2.20', '192.0.2.20'],
        ['2001:DB8::1', '2001:db8::1'],
        ['2001:0db8:0:0:0:0:0:2', '2001:db8::2'],
        ['x.x.x.x', undef], [undef, undef],
    ],
    'receiving-mx-hostname' => [
        ['mx1.example.com', 'mx1.example.com'],
        ['MX2.Example.COM.', 'mx2.example.com'],
        ['mx.bücher.example', 'mx.xn--bcher-kva.example'],
        [undef, undef], ['', undef],
    ],
    'receiving-ip' => [
        ['198.51.100.1', '198.51.100.1'], ['2001:db8:0::ff', '2001:db8::ff'],
        [undef, undef], [undef, undef], ['', undef],
    ],
    'failure-reason-code' => [
        [undef, undef], [undef, undef], ['', undef],
        (map { [$_, $_] } "-1+2, \"quoted\"", "tab\there and\r\nnew lines",
                          '=1+1', 'Grund: ungültig'),
        ["\t@ within blanks ", '@ within blanks'],
    ],
);

my @BY = qw(day organization-name policy-type via result-type sending-mta-ip
            receiving-mx-hostname receiving-ip failure-reason-code);
my %SESSION_KEY = map { $_ => 1 } @BY[0 .. 3];

sub pick { return $_[int rand @_] }

sub day_text { return strftime('%Y-%m-%d', gmtime(86400 * $_[0])) }


# Making reports: {json => ..., path => ..., rows => [...]}.  A row is what the
# report says about one domain:
# {domain, day, organization, types => {TYPE => [successes, failures]},
#  details => [[TYPE, RESULT-TYPE, ..., count]]}.

sub date_text {
    my ($day, $seconds) = @_;

    my $time = 86400 * $day + $seconds;
    my $form = pick(qw(utc utc east west space));

    return strftime('%Y-%m-%dT%H:%M:%S+02:00', gmtime($time + 7200))
        if $form eq 'east';
    return strftime('%Y-%m-%dT%H:%M:%S-11:30', gmtime($time - 41400))
        if $form eq 'west';
    return strftime('%Y-%m-%d %H:%M:%Sz', gmtime($time)) if $form eq 'space';
    return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime($time));
}

sub make_detail {
    my (%sent, @meant);

    for my $key (@BY[4 .. 8]) {
        my ($sent, $meant) = @{ pick(@{ $DETAIL{$key} }) };

        $sent{$key} = $sent if defined $sent || rand() < 0.3;
        push @meant, $meant;
    }

    my $count = pick(1, 1, 2, 3, 17, 1_000_003);
    $sent{'failed-session-count'} = $count if $count > 1 || rand() < 0.5;

    return (\%sent, [@meant, $count]);
}

# One policy more for the row; the JSON of it.
sub make_policy {
    my ($row, $type, $good, $bad, $details) = @_;

    my $sums = $row->{types}{ $type->[1] } ||= [0, 0];
    my $left = $bad;

    $sums->[0] += $good;
    $sums->[1] += $bad;

    for my $meant (map { $_->[1] } @$details) {
        push @{ $row->{details} }, [$type->[1], @$meant];
        $left -= $meant->[-1];
    }

    push @{ $row->{details} },
        [$type->[1], 'unspecified', undef, undef, undef, undef, $left]
        if $left > 0;

    my %policy = (
        policy => { 'policy-type'   => $type->[0],
                    'policy-domain' => $row->{sent} },
        summary => { 'total-successful-session-count' => $good,
                     'total-failure-session-count' => $bad },
    );
    $policy{'failure-details'} = [map { $_->[0] } @$details]
        if @$details || rand() < 0.2;

    return \%policy;
}

sub make_details {
    return map { [make_detail()] } 1 .. pick(0, 0, 1, 1, 2, 4);
}

# The policies of one domain, of the shapes that are seen.
sub make_policies {
    my ($row) = @_;

    my $shape = pick(qw(one one one twice versions mixed));
    my $good = pick(0, 1, 5, 120, 4_000_000_000);
    my @details = make_details();
    my $bad = @details ? pick(0, 1, 3, 50) : pick(0, 0, 0, 2, 7);

    return make_policy($row, pick(@TYPES), $good, $bad, \@details)
        if $shape eq 'one';

    # the same sessions under both, more or less
    return (make_policy($row, ['sts', 'sts'], $good, $bad, \@details),
            make_policy($row, ['tlsa', 'tlsa'], $good + pick(0, 0, 3),
                        pick($bad, $bad, 1), \@details))
        if $shape eq 'twice';

    return (make_policy($row, ['sts', 'sts'], $good, $bad, \@details),
            make_policy($row, ['sts', 'sts'], 1, pick(0, 2), []),
            make_policy($row, ['no-policy-found', 'no-policy-found'],
                        pick(0, 9), pick(0, 4), []))
        if $shape eq 'versions';

    return map { make_policy($row, pick(@TYPES), int rand 20, int rand 4,
                             [make_details()]) } 1 .. 3;
}

sub make_report {
    my ($n) = @_;

    my $day = $TODAY - int rand(rand() < 0.05 ? 60 : 30);
    my $organization = pick(@ORGANIZATIONS);
    my @domains = rand() < 0.1 ? ([$TOKEN_DOMAIN, $TOKEN_DOMAIN])
        : (shuffle @DOMAINS)[0 .. pick(0, 0, 0, 0, 1, 2)];
    my (@rows, @policies);

    for (@domains) {
        my $row = { sent => $_->[0], domain => $_->[1], day => $day,
                    organization => $organization, types => {}, details => [] };

        # a heartbeat has no policies, and its domain by the token
        push @policies, make_policies($row)
            unless $_->[0] eq $TOKEN_DOMAIN && rand() < 0.2;
        push @rows, $row;
    }

    my $start = int rand 86400;

    return {
        rows => \@rows,
        path => $domains[0][0] eq $TOKEN_DOMAIN ? '/v1/tlsrpt/demo'
                                                : '/v1/tlsrpt',
        json => {
            'organization-name' => $organization,
            'date-range' => {
                'start-datetime' => date_text($day, $start),
                'end-datetime' => date_text($day, $start == 86399 ? $start
                                                                  : 86399),
            },
            'contact-info' => pick(undef, 'tlsrpt@sender.example'),
            # two have the same: an identity has more to it
            'report-id' => 'id-' . ($n >> 1),
            policies => [shuffle @policies],
        },
    };
}

# The same report in some encoding.
sub encode_report {
    my ($report) = @_;

    my $json = JSON::PP->new->canonical(pick(0, 1))->pretty(rand() < 0.2);
    my $text = pick(0, 0, 1) ? $json->ascii->encode($report->{json})
                             : $json->utf8->encode($report->{json});
    $text = "\xef\xbb\xbf$text" if rand() < 0.05;

    if (rand() < 0.7) {
        gzip(\$text => \my $packed) or die 'gzip';
        $text = $packed;
    }

    return $text;
}


# Sending them

my @reports = map { make_report($_) } 1 .. $REPORTS;

my $t = servers(workers => 2, redis => 1, http => <<'END', server => <<'END');
    tlsrpt_redis %%REDIS%%;
    tlsrpt_domain example.com;
    tlsrpt_domain example.net;
    tlsrpt_domain example.org;
    tlsrpt_domain xn--bcher-kva.example;
    tlsrpt_domain token.example token=demo;
END
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
        keepalive_requests 100000;
END

# Numbers of reports, each at least once, some more often, in no order.
my @order = shuffle map { ($_) x pick(1, 1, 1, 2, 3) } 0 .. $#reports;

sub send_reports {
    my ($client) = @_;

    srand $SEED + $client;

    my @answers;
    for (my $i = $client; $i < @order; $i += $CLIENTS) {
        my $report = $reports[$order[$i]];
        my $answer = $t->post($report->{path}, encode_report($report));

        push @answers, "$order[$i] $answer->{status} "
            . ($answer->{json}{status} || $answer->{body}) . "\n";
    }

    $t->write_file("client.$client", join '', @answers);

    return;
}

sub run_clients {
    my @pids;

    for my $client (0 .. $CLIENTS - 1) {
        my $pid = fork();
        die "fork: $!" unless defined $pid;

        if ($pid == 0) {
            eval { send_reports($client); 1 } or print STDERR $@;
            POSIX::_exit($@ ? 1 : 0);
        }
        push @pids, $pid;
    }

    return grep { waitpid($_, 0); $? != 0 } @pids;
}

is scalar(run_clients()), 0, 'every client came through';

my (%stored, @odd, $sent);
for (map { split /\n/, $t->read_file("client.$_") } 0 .. $CLIENTS - 1) {
    my ($n, $status) = split;

    $sent++;
    $stored{$n}++ if $status == 201;
    push @odd, $_ unless /^\d+ (?:201 stored|200 duplicate)$/;
}

is $sent, scalar(@order), 'every report was answered';
is "@odd[0 .. ($#odd < 3 ? $#odd : 3)]", '', 'as stored or duplicate';
is scalar(keys %stored), $REPORTS, 'and each was stored once';


# Our reckoning

my %rows;                       # of a domain
push @{ $rows{$_->{domain}} }, $_ for map { @{ $_->{rows} } } @reports;

sub max { return $_[0] > $_[1] ? $_[0] : $_[1] }

# Successes and failures of one row; of one policy-type, or of them all, where
# sts and tlsa may tell of the same sessions: the larger one stands for both.
sub sessions {
    my ($row, $type) = @_;

    my $types = $row->{types};
    return @{ $types->{$type} } if defined $type;

    my ($all, $bad) = (0, 0);
    for (grep { !/^(?:sts|tlsa)$/ } keys %$types) {
        $all += $types->{$_}[0] + $types->{$_}[1];
        $bad += $types->{$_}[1];
    }

    my @twice = map { $types->{$_} || [0, 0] } qw(sts tlsa);
    $all += max(map { $_->[0] + $_->[1] } @twice);
    $bad += max(map { $_->[1] } @twice);

    return ($all - $bad, $bad);
}

# Key => value of the row, and of one of its types or details.
sub keys_of_row {
    my ($row, $type) = @_;

    return (day => day_text($row->{day}), via => 'https',
            'organization-name' => $row->{organization},
            'policy-type' => $type);
}

sub keys_of_detail {
    my ($row, $detail) = @_;

    my %keys = keys_of_row($row, $detail->[0]);
    @keys{ @BY[4 .. 8] } = @$detail[1 .. 5];

    return %keys;
}

sub passes {
    my ($keys, $filter, @names) = @_;

    for (@names) {
        my ($want, $have) = ($filter->{$_}, $keys->{$_});

        return 0 if defined $want ? !defined $have || $want ne $have
                                  : defined $have;
    }

    return 1;
}

# [keys, counts] a row and policy-type; the type counts only if asked for.
sub session_parts {
    my ($query, $row) = @_;

    my @types = $query->{typed} ? sort keys %{ $row->{types} } : (undef);

    return map {
        [{ keys_of_row($row, $_) }, [1, sessions($row, $_)]]
    } @types;
}

sub detail_parts {
    my ($query, $row) = @_;

    return map {
        [{ keys_of_detail($row, $_) }, [$_->[-1]]]
    } @{ $row->{details} };
}

# Filters on details leave reports that have such a detail, and no sessions,
# as those of a detail are not known.
sub totals {
    my ($query, @rows) = @_;

    my @all = keys %{ $query->{filter} };
    my @filters = grep { $SESSION_KEY{$_} } @all;

    if (@filters < @all) {
        my @left = grep {
            grep { passes($_->[0], $query->{filter}, @all) }
                detail_parts($query, $_)
        } @rows;

        return (scalar @left, 'null', 'null');
    }

    my %typed = (typed => exists $query->{filter}{'policy-type'});
    my @sum = (0, 0, 0);

    for (grep { passes($_->[0], $query->{filter}, @filters) }
         map { session_parts(\%typed, $_) } @rows)
    {
        my $counts = $_->[1];
        $sum[$_] += $counts->[$_] for 0 .. 2;
    }

    return @sum;
}

# Is one key before the other?  Null is first, then as the bytes of UTF-8, which
# is the order of the characters' numbers.
sub compare_keys {
    my ($one, $two) = @_;

    return defined $one <=> defined $two unless defined $one && defined $two;
    return $one cmp $two;
}

sub compare_groups {
    my ($by, $one, $two) = @_;

    my $order = $by->[0] eq 'day' && compare_keys($one->[0][0], $two->[0][0])
        || $two->[1][-1] <=> $one->[1][-1];

    for (my $i = 0; !$order && $i < @$by; $i++) {
        $order = compare_keys($one->[0][$i], $two->[0][$i]);
    }

    return $order;
}

# The groups in order: [[keys], [counts]].
sub groups {
    my ($query, @rows) = @_;

    my @by = @{ $query->{by} } or return;
    my @filters = keys %{ $query->{filter} };
    my $parts = $query->{detailed} ? \&detail_parts : \&session_parts;
    my %groups;

    for (grep { passes($_->[0], $query->{filter}, @filters) }
         map { $parts->($query, $_) } @rows)
    {
        my ($keys, $counts) = @$_;
        my @values = @$keys{@by};
        my $group = $groups{ join "\0", map { defined ? "=$_" : '' } @values }
            ||= [\@values, [(0) x @$counts]];

        $group->[1][$_] += $counts->[$_] for 0 .. $#$counts;
    }

    return sort { compare_groups(\@by, $a, $b) } values %groups;
}

# {domain, by => [...], filter => {...}, from, to}
sub reckon {
    my (%query) = @_;

    my @rows = grep {
        $_->{day} >= $query{from} && $_->{day} <= $query{to}
    } @{ $rows{$query{domain}} };
    my @names = (@{ $query{by} }, keys %{ $query{filter} });

    $query{typed} = grep { $_ eq 'policy-type' } @names;
    $query{detailed} = grep { !$SESSION_KEY{$_} } @names;

    return { %query, totals => [totals(\%query, @rows)],
             groups => [groups(\%query, @rows)] };
}

my @SUMS = qw(reports total-successful-session-count
              total-failure-session-count);

sub count_names {
    my ($answer) = @_;

    return $answer->{detailed} ? ('failed-session-count') : @SUMS;
}

sub json_string {
    my ($text) = @_;

    return 'null' unless defined $text;

    my %short = ("\t" => '\t', "\r" => '\r', "\n" => '\n');
    $text =~ s/(["\\])/\\$1/g;
    $text =~ s/([\t\r\n])/$short{$1}/g;

    return '"' . encode_utf8($text) . '"';
}

sub members {
    my ($names, $values) = @_;

    return join ',', map { "\"$names->[$_]\":$values->[$_]" } 0 .. $#$names;
}

sub as_json {
    my ($answer) = @_;

    my @names = (@{ $answer->{by} }, count_names($answer));
    my @groups = map {
        '{' . members(\@names, [(map { json_string($_) } @{ $_->[0] }),
                                @{ $_->[1] }]) . '}'
    } @{ $answer->{groups} };

    return '{' . members(
        [qw(domain from to), @SUMS, qw(by groups)],
        [json_string($answer->{domain}),
         (map { json_string(day_text($answer->{$_})) } qw(from to)),
         @{ $answer->{totals} },
         '[' . join(',', map { json_string($_) } @{ $answer->{by} }) . ']',
         '[' . join(',', @groups) . ']']) . '}';
}

# Text is quoted, so that null is not the empty text; and what a report says
# must not become a formula, nor two lines.
sub csv_cell {
    my ($text) = @_;

    return '' unless defined $text;

    $text =~ s/[\r\n]//g;
    $text =~ s/^(?=[=+\-@\t])/'/;
    $text =~ s/"/""/g;

    return encode_utf8("\"$text\"");
}

sub as_csv {
    my ($answer) = @_;

    my @lines = map {
        join ',', (map { csv_cell($_) } @{ $_->[0] }), @{ $_->[1] }
    } @{ $answer->{groups} };

    return join '', map { "$_\r\n" }
        join(',', @{ $answer->{by} }, count_names($answer)), @lines;
}


# Asking

my $socket = $t->connection;

# On one connection; the answers are compared as they come, not decoded.
sub ask {
    my ($path, $accept) = @_;

    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Accept: $accept\r\n\r\n";
    $socket->flush;

    my ($status, @lines) = TLSRPT::Server::read_head($socket);
    my %headers = map { /^([^:]+): (.*)/ ? (lc $1 => $2) : () } @lines;
    my $body = TLSRPT::Server::read_body($socket, \%headers);

    return $status eq 'HTTP/1.1 200 OK' ? $body : "$status $body";
}

sub escape {
    my ($text) = @_;

    $text = encode_utf8($text);
    $text =~ s/([^\w.~-])/sprintf '%%%02X', ord $1/ge;
    $text =~ s/%20/+/g;

    return $text;
}

# A filter is [sent, meant]; the query of the reckoning has what is meant.
sub path_of {
    my ($query, %sent) = @_;

    my @params = map { "$_=" . escape($sent{$_}) } sort keys %sent;
    push @params, 'by=' . join ',', @{ $query->{by} } if @{ $query->{by} };
    push @params, map { "$_=" . day_text($query->{$_}) } qw(from to);

    return "$BASE/$query->{domain}?" . join '&', @params;
}

my (%wrong, $asked);

# Asks, and keeps what differs.
sub try {
    my ($name, $query, %sent) = @_;

    my $path = path_of($query, %sent);
    my $answer = reckon(%$query);

    for (['application/json', as_json($answer)], ['text/csv', as_csv($answer)]) {
        my ($accept, $want) = @$_;

        next if $accept eq 'text/csv' && ($asked++ % 3 || !@{ $query->{by} });

        my $have = ask($path, $accept);
        next if $have eq $want;

        note substr "GET $path\nhave $have", 0, 2000 unless $wrong{$name};
        note substr "want $want", 0, 2000 unless $wrong{$name};
        push @{ $wrong{$name} }, $path;
    }

    return;
}

sub verdict {
    my ($name) = @_;

    is scalar(@{ $wrong{$name} || [] }), 0, $name;

    return;
}

my @month = (from => $TODAY - 29, to => $TODAY);
my @domains = ((map { $_->[1] } @DOMAINS), $TOKEN_DOMAIN);

for my $by (@BY) {
    try("by=$by", { domain => $_, by => [$by], filter => {}, @month })
        for @domains;
    verdict("by=$by");
}

for my $domain (@domains[0, 3, 4]) {
    try('no by', { domain => $domain, by => [], filter => {}, @month });

    for my $first (@BY) {
        try('pairs', { domain => $domain, by => [$first, $_], filter => {},
                       @month }) for grep { $_ ne $first } @BY;
    }
}
verdict('no by');
verdict('pairs');

# What can be asked for: [sent, meant], some of it in other words.
my %VALUES = (
    %DETAIL,
    day => [map { [day_text($_), day_text($_)] } $TODAY - 8 .. $TODAY],
    'organization-name' => [map { [$_, $_] } @ORGANIZATIONS, 'nobody'],
    'policy-type' => [map { [$_->[0], $_->[1]] } @TYPES],
    via => [['https', 'https'], ['https', 'https'], ['mail', 'mail']],
);
$VALUES{'sending-mta-ip'} = [grep { ($_->[0] || '') ne 'x.x.x.x' }
                             @{ $VALUES{'sending-mta-ip'} }];
$VALUES{'failure-reason-code'} = [map { [$_->[1], $_->[1]] }
                                  @{ $VALUES{'failure-reason-code'} }];
push @{ $VALUES{'result-type'} }, ['unspecified', 'unspecified'],
    ['CERTIFICATE-EXPIRED', 'certificate-expired'];

sub random_query {
    my ($domain) = @_;

    my @by = (shuffle @BY)[0 .. pick(0 .. 4) - 1];
    my $from = $TODAY - int rand 65;
    my (%filter, %sent);

    for (map { pick(@BY) } 1 .. pick(0, 1, 1, 2)) {
        my ($sent, $meant) = @{ pick(@{ $VALUES{$_} }) };

        $sent{$_} = defined $sent ? $sent : '';
        $filter{$_} = $meant;
    }

    return ({ domain => $domain, by => \@by, filter => \%filter,
              from => $from, to => $from + int rand($TODAY - $from + 1) },
            %sent);
}

for my $domain (@domains) {
    try("random questions about $domain", random_query($domain))
        for 1 .. $QUERIES;
    verdict("random questions about $domain");
}

# The list of the domains says the same.
my %lines = map { $_->{domain} => $_ }
    @{ $t->get("$BASE?from=" . day_text($TODAY - 29))->{json}{domains} };

for my $domain (@domains) {
    my @totals = @{ reckon(domain => $domain, by => [], filter => {},
                           @month)->{totals} };
    is_deeply [@{ $lines{$domain} }{@SUMS}], \@totals, "the line of $domain";
}

# Without a range: the last 30 days; midnight may pass while we ask.
my $before = today();
my $default = $t->get("$BASE/example.com")->{json};
like $default->{to}, qr/^(?:\Q$before\E|@{[today()]})$/, 'up to today';
is $default->{from}, day_text((grep { day_text($_) eq $default->{to} }
                               $TODAY .. $TODAY + 1)[0] - 29), 'for 30 days';

note "$asked questions";

done_testing;
