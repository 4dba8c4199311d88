# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# What nginx -t says of policies: the reason, the file and the line.

use utf8;
use POSIX ();

use TLSRPT::Test;

my $t = servers(nginx => 0);
my $dir = $t->dir;
my $HEAD = "version: STSv1\n";
my $SOUND = "version: STSv1\nmode: enforce\nmx: mx.example.com\n"
          . "max_age: 604800\n";
my $TEST = "$dir/test.conf";

mkdir "$dir/policies";
mkdir "$dir/more";

# The line of the configuration that holds the text.
sub line_of {
    my ($text, $conf) = @_;

    my $n = 0;
    for (split /\n/, $conf) {
        $n++;
        return $n if index($_, $text) >= 0;
    }
    die "no $text";
}

# Tests a configuration of its own: (good or not, the lines told).
sub told {
    my ($http) = @_;

    my ($good, $said) = $t->nginx_test(http => $http);
    utf8::decode($said);
    return ($good, map { s/^\S+ \S+ (\[\w+\]) \S+ //r =~ s/^nginx: //r }
                   grep { /\[(?:warn|emerg)\]/ } split /\n/, $said);
}

# A directive is refused, or advised on, in its line.
sub directive {
    my ($args, $level, $reason) = @_;

    my $http = "# a line before\nmta_sts_policy $args;\n";
    utf8::encode(my $bytes = $http);
    my ($good, @said) = told($bytes);
    my $line = line_of('mta_sts_policy ', $t->nginx_conf(http => $bytes));
    is $good, $level eq 'warn', "$level: $args";
    is_deeply \@said, ["[$level] $reason in $TEST:$line"], $reason;

    return;
}

# So is a policy file, in its own.
sub file {
    my ($text, $level, $reason, $line) = @_;

    $t->write_file('policies/example.com.txt', $text);
    my ($good, @said) = told("mta_sts_policies policies/*.txt;");
    is $good, $level eq 'warn', "$level: a file";
    is_deeply \@said,
        ["[$level] MTA-STS policy of \"example.com\": $reason in "
         . "$dir/policies/example.com.txt:$line"], $reason;
    unlink "$dir/policies/example.com.txt";

    return;
}

my $OF = 'MTA-STS policy of "example.com"';
my $MX = 'mx=mx.example.com';

is_deeply [told("mta_sts_policy example.com mode=enforce max_age=1w $MX;\n"
    . 'mta_sts_policy example.net mode=testing max_age=31557600 mx=*.a.example;'
    . 'mta_sts_policy example.org mode=none max_age=1d;')], [1], 'sound';

directive("example.com mode=enforec max_age=7d $MX", 'emerg',
    "$OF: mode \"enforec\" is not one of \"enforce\", \"testing\" and \"none\""
    . ' (RFC 8461 3.2)');
directive("example.com mode=Enforce max_age=7d $MX", 'emerg',
    "$OF: mode \"Enforce\" must be in lower case: \"enforce\" (RFC 8461 3.2)");
directive('example.com mode=enforce max_age=7d', 'emerg',
    "$OF: mode \"enforce\" needs at least one mx (RFC 8461 3.2)");
directive('example.com mode=testing max_age=7d', 'emerg',
    "$OF: mode \"testing\" needs at least one mx (RFC 8461 3.2)");
directive('example.com mode=enforce max_age=7d mx=mail.*.example.com', 'emerg',
    "$OF: mx \"mail.*.example.com\": \"*\" may only be the whole first label, "
    . 'as in "*.example.com" (RFC 8461 3.2)');
directive("example.com mode=enforce max_age=7d mx=$_", 'emerg',
    "$OF: mx \"$_\" is an IP address; an MX is known by its host name, which "
    . 'its certificate holds (RFC 8461 3.2)')
    for qw(192.0.2.1 [192.0.2.1] 2001:db8::1 [IPv6:2001:db8::1]);
directive('example.com mode=enforce max_age=7d mx=*.bücher.example', 'emerg',
    "$OF: mx \"*.bücher.example\" is a U-label; write the A-label "
    . '"*.xn--bcher-kva.example" (RFC 8461 3.2)');
directive('example.com mode=enforce max_age=7d mx=', 'emerg',
    "$OF: mx \"\" has no domain name (RFC 8461 3.2)");
directive("example.com mode=enforce max_age=31557601 $MX", 'emerg',
    "$OF: max_age 31557601 is over the maximum, 31557600 seconds (a year) "
    . '(RFC 8461 3.2)');
directive("example.com mode=enforce max_age=2y $MX", 'emerg',
    "$OF: max_age 63072000 is over the maximum, 31557600 seconds (a year) "
    . '(RFC 8461 3.2)');
directive("example.com mode=enforce max_age=$_ $MX", 'emerg',
    "$OF: invalid max_age \"$_\", it must be a time as in \"7d\" or "
    . '"604800"') for qw(week -1 7x 99999999999999999999);
directive('example.com mode=none', 'emerg', "$OF has no \"max_age\" parameter");
directive('example.com max_age=7d', 'emerg', "$OF has no \"mode\" parameter");
directive('example.com', 'emerg', "$OF has no \"mode\" parameter");
directive('example.com mode=none mode=none max_age=7d', 'emerg',
    "$OF: \"mode\" is given twice (RFC 8461 3.2)");
directive('example.com mode=none max_age=7d max_age=8d', 'emerg',
    "$OF: \"max_age\" is given twice (RFC 8461 3.2)");
directive("example.com mode=none max_age=7d $_", 'emerg',
    "invalid parameter \"$_\", it must be \"mode=\", \"max_age=\" or \"mx=\"")
    for qw(mx maxage=1 xx= =);
directive('a..example mode=none max_age=7d', 'emerg',
    'MTA-STS policy of "a..example": not a domain name');
directive('*.example.com mode=none max_age=7d', 'emerg',
    'MTA-STS policy of "*.example.com": not a domain name');

directive("example.com mode=enforce max_age=1h $MX", 'warn',
    "$OF: max_age 3600 is under a day (86400): senders forget the policy "
    . 'before they look for it again (RFC 8461 3.3)');
directive("example.com mode=enforce max_age=1d $MX", 'warn',
    "$OF: max_age 86400 is under a week (604800): raise it once the policy works "
    . '(RFC 8461 3.2)');
directive("example.com mode=none max_age=7d $MX", 'warn',
    "$OF: mx is given, but in mode \"none\" senders ignore it (RFC 8461 3.2)");
directive('example.com mode=testing max_age=7d mx=mx.example.com.', 'warn',
    "$OF: mx \"mx.example.com.\" ends in a dot, which the format does not allow"
    . '; "mx.example.com" is used (RFC 8461 3.2)');
directive('mta-sts.example.com mode=none max_age=7d', 'warn',
    'MTA-STS policy of "mta-sts.example.com": the domain is given without '
    . '"mta-sts.", which the host name of a policy has (RFC 8461 3.2)');

# Files

file("mode: none\nmax_age: 604800\n", 'emerg', 'version is missing: the policy '
    . 'starts with "version: STSv1" (RFC 8461 3.2)', 1);
file("${HEAD}mode: enforec\nmax_age: 604800\n", 'emerg', 'mode "enforec" is '
    . 'not one of "enforce", "testing" and "none" (RFC 8461 3.2)', 2);
file("${HEAD}max_age: 604800\r\nmode: enforce\r\n", 'emerg',
    'mode "enforce" needs at least one mx (RFC 8461 3.2)', 3);
file("${SOUND}mx: mail.*.example.com\n", 'emerg', 'mx "mail.*.example.com": '
    . '"*" may only be the whole first label, as in "*.example.com" '
    . '(RFC 8461 3.2)', 5);
file("${SOUND}mx: 192.0.2.1\n", 'emerg', 'mx "192.0.2.1" is an IP address; an '
    . 'MX is known by its host name, which its certificate holds '
    . '(RFC 8461 3.2)', 5);
file("${HEAD}mode: none\nmax_age: 31557601\n", 'emerg', 'max_age 31557601 is '
    . 'over the maximum, 31557600 seconds (a year) (RFC 8461 3.2)', 3);
file('', 'emerg', 'the policy is empty (RFC 8461 3.2)', 1);
file("a: b\n" x 20000, 'emerg', 'the policy is larger than 64 kilobytes, which '
    . 'senders need not read (RFC 8461 3.3)', 1);
file("${SOUND}mode: none\n", 'warn', '"mode" is given again, after line 2; '
    . 'senders take the first (RFC 8461 3.2)', 5);
file("${HEAD}mode: none\nmax_age: 3600\n", 'warn', 'max_age 3600 is under a '
    . 'day (86400): senders forget the policy before they look for it again '
    . '(RFC 8461 3.3)', 3);

$t->write_file('policies/example.com.txt', "mode: x\nmax_age: y\n");
my ($good, @said) = told('mta_sts_policies policies/*.txt;');
is_deeply [map { /txt:(\d)$/ } @said], [1, 2, 1],
    'every error of a file at once';

# Names of files

my $LINE = line_of('mta_sts_policies', $t->nginx_conf(
    http => 'mta_sts_policies policies/*.txt;'));

unlink "$dir/policies/example.com.txt";
is_deeply [told('mta_sts_policies policies/*.txt;')],
    [1, "[warn] no MTA-STS policy file matches \"$dir/policies/*.txt\" in "
        . "$TEST:$LINE"], 'a pattern that nothing matches';
is_deeply [told('mta_sts_policies policies/example.com.txt;')],
    ['', "[emerg] open() \"$dir/policies/example.com.txt\" failed (2: No such "
         . "file or directory) in $TEST:$LINE"], 'a file that is not there';
$t->write_file('policies/example.com', $SOUND);
is_deeply [told('mta_sts_policies policies/*;')],
    ['', "[emerg] MTA-STS policy file \"$dir/policies/example.com\" must be "
         . "named DOMAIN.txt in $TEST:$LINE"], 'a file without .txt';
unlink "$dir/policies/example.com";
$t->write_file('policies/a b.txt', $SOUND);
is_deeply [told('mta_sts_policies policies/*.txt;')],
    ['', "[emerg] MTA-STS policy file \"$dir/policies/a b.txt\" must be named "
         . "DOMAIN.txt, and \"a b\" is not a domain name in $TEST:$LINE"],
    'a file not named after a domain';
unlink "$dir/policies/a b.txt";
mkdir "$dir/policies/example.com.txt";
is_deeply [told('mta_sts_policies policies/*.txt;')],
    ['', "[emerg] MTA-STS policy file \"$dir/policies/example.com.txt\" is no "
         . "regular file in $TEST:$LINE"], 'a directory';
rmdir "$dir/policies/example.com.txt";
POSIX::mkfifo("$dir/policies/example.com.txt", 0600) or die "mkfifo: $!";
is_deeply [told('mta_sts_policies policies/*.txt;')],
    ['', "[emerg] MTA-STS policy file \"$dir/policies/example.com.txt\" is no "
         . "regular file in $TEST:$LINE"], 'a FIFO does not hold nginx up';
unlink "$dir/policies/example.com.txt";
is_deeply [told('mta_sts_policies polices/*.txt;')],
    ['', "[emerg] opendir() \"$dir/polices\" failed (2: No such file or "
         . "directory) in $TEST:$LINE"], 'a directory that is not there';

# Advice on many policies: a line a kind

sub advised {
    my ($n, $names, $first) = @_;

    my $http = join '', map {
        "mta_sts_policy d$_.example mode=testing max_age=3601 mx=a.example. "
        . "mx=b$_.example.;\n"
    } 1 .. $n;
    my ($good, @said) = told($http);
    ok $good, "$n policies";
    is_deeply \@said, [
        "[warn] $names: mx \"a.example.\" ends in a dot, which the format does "
        . 'not allow; "a.example" is used (RFC 8461 3.2) in ' . "$TEST:$LINE",
        "[warn] $names: max_age 3601 is under a day (86400): senders forget the "
        . 'policy before they look for it again (RFC 8461 3.3) in '
        . "$TEST:$LINE"], 'a line a kind';

    return;
}

advised(1, 'MTA-STS policy of "d1.example"');
advised(2, '2 MTA-STS policies ("d1.example", "d2.example")');
advised(3, '3 MTA-STS policies ("d1.example", "d2.example", "d3.example")');
advised(1000, '1000 MTA-STS policies ("d1.example", "d2.example", '
              . '"d3.example", ...)');

$t->write_file("policies/d$_.example.txt", "${HEAD}mode: none\nmax_age: "
    . (3600 + $_) . "\n") for 1 .. 4;
($good, @said) = told('mta_sts_policies policies/*.txt;');
is_deeply \@said, ['[warn] 4 MTA-STS policies ("d1.example", "d2.example", '
    . '"d3.example", ...): max_age 3601 is under a day (86400): senders forget '
    . 'the policy before they look for it again (RFC 8461 3.3) in '
    . "$dir/policies/d1.example.txt:3"], 'of files: where the first is';
unlink glob "$dir/policies/*";

# A domain given twice: both places

sub twice {
    my ($name, $domain, $http, $first, $again) = @_;

    utf8::encode(my $bytes = $http);
    my ($is_good, @told) = told($bytes);
    is_deeply [$is_good, @told],
        ['', "[emerg] MTA-STS policy of \"$domain\" is given twice, first in "
             . "$first and again in $again"], "$domain twice: $name";

    return;
}

my $NONE = 'mode=none max_age=7d;';
$t->write_file('policies/example.com.txt', $SOUND);
$t->write_file('more/EXAMPLE.com.txt', $SOUND);
$t->write_file("more/sub.conf", "\nmta_sts_policy example.com $NONE\n");

twice('directives', 'example.com', "mta_sts_policy example.com $NONE\n"
    . "mta_sts_policy example.net $NONE\nmta_sts_policy EXAMPLE.com. $NONE\n",
    "$TEST:$LINE", "$TEST:" . ($LINE + 2));
twice('U-label and A-label', 'xn--bcher-kva.example',
    "mta_sts_policy bücher.example $NONE\n"
    . "mta_sts_policy xn--bcher-kva.example $NONE\n",
    "$TEST:$LINE", "$TEST:" . ($LINE + 1));
twice('directive and file', 'example.com', "mta_sts_policy example.com $NONE\n"
    . "mta_sts_policies policies/*.txt;\n", "$TEST:$LINE",
    "$dir/policies/example.com.txt:1");
twice('file and included directive', 'example.com',
    "mta_sts_policies policies/*.txt;\ninclude more/sub.conf;\n",
    "$dir/policies/example.com.txt:1", "$dir/more/sub.conf:2");
twice('files', 'example.com', "mta_sts_policies policies/*.txt;\n"
    . "mta_sts_policies more/*.txt;\n", "$dir/policies/example.com.txt:1",
    "$dir/more/EXAMPLE.com.txt:1");

# Where the directives may stand

($good, @said) = $t->nginx_test(server => "mta_sts_policy example.com $NONE");
ok !$good, 'not in a server';
like $said[0], qr/"mta_sts_policy" directive is not allowed here/, 'is told';
($good, @said) = $t->nginx_test(server => 'location / { mta_sts; mta_sts; }');
ok !$good, 'not twice in a location';
like $said[0], qr/"mta_sts" directive is duplicate/, 'is told';

done_testing;
