# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# The examples of doc/http.md: each command gives what is written there, with
# the configuration and the sample reports of "make run"; and those of
# doc/enrolment.md, with the configuration that stands there.

use TLSRPT::Test;
use TLSRPT::Mail;
use TLSRPT::Readme;

my $t = servers(redis => 1, workers => 2,
    conf => TLSRPT::Readme::text('run/nginx.conf'));
my $dir = $t->dir;

sub sample {
    my ($name) = @_;

    my $text = TLSRPT::Readme::text("run/reports/$name.json");
    $text =~ s/%%YESTERDAY%%/day(-1)/ge;
    $text =~ s/%%BEFORE%%/day(-2)/ge;

    return $text;
}

for (['plain', ''], ['twice', ''], ['token', '/demo']) {
    my ($name, $path) = @$_;
    is $t->post("/v1/tlsrpt$path", sample($name))->{status}, 201, $name;
}

$t->write_file('deviating.json.gz', gzipped(sample('deviating')));
$t->write_file('negative.json', sample('negative'));
$t->write_file('wrong.txt', "version: STSv1\nmode: enforce\n"
               . "mx: *.*.example.com\nmax_age: 604800\n");
$t->write_file('short.txt', "version: STSv1\nmode: enforce\n"
               . "mx: *.example.com\nmax_age: 3600\n");

# Problems are worked out a little later.
for my $domain ('example.com', 'example.net') {
    ok TLSRPT::Server::wait_until(60, sub {
        @{ $t->get("/tlsrpt/domains/$domain/events", tcp => 1)->{json}{events} }
    }), "$domain has events";
}

# And which policies are served.
ok TLSRPT::Server::wait_until(60, sub {
    return $t->redis('EXISTS', 'tlsrpt:{example.com}:served');
}), 'the policy is known';

# Runs a command of the examples as if that server were the one of "make run".
sub runs {
    my ($server, $command) = @_;

    $command =~ s/127\.0\.0\.1:8460/127.0.0.1:@{[ $server->port ]}/g;
    $command =~ s/^curl /curl -s /;
    my $printed = `cd @{[ $server->dir ]} && $command`;
    is $?, 0, 'curl is content';

    return $command =~ / -OJ / ? '' : $printed;
}

TLSRPT::Readme::check_examples('doc/http.md', undef, sub { runs($t, @_) });

my ($http, $locations) = TLSRPT::Readme::blocks_of(
    TLSRPT::Readme::text('doc/enrolment.md'));
$http =~ s{unix:\S+/redis-server\.sock}{%%REDIS%%};
my $admin = servers(redis => 1, http => $http, server => $locations);

TLSRPT::Readme::check_examples('doc/enrolment.md', undef,
                               sub { runs($admin, @_) });

done_testing;
