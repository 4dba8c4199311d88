# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

# Several nginx on one Redis: each sees what is written, and one that is off
# sees nothing.

use TLSRPT::Test;
use TLSRPT::Registry qw(enrol write_record token_of);

my $PATH = '/.well-known/mta-sts.txt';
my $SERVER = <<"END";
        location = $PATH { mta_sts; }
        location /v1/tlsrpt { tlsrpt_collect; }
        location /tlsrpt/ { tlsrpt_stats; }
END

my $one = servers(redis => 1, moves => 1, workers => 2, server => $SERVER,
    http => 'tlsrpt_redis %%REDIS%%; tlsrpt_registry on;');
my $redis = $one->redis_address;
my $two = servers(workers => 2, server => $SERVER, http => <<"END");
    tlsrpt_redis $redis;
    tlsrpt_registry on zone=mine:2m file=%%DIR%%/mine;
    tlsrpt_domain own.example;
END
my $off = servers(server => $SERVER, http => <<"END");
    tlsrpt_redis $redis;
    tlsrpt_registry off;
END

my @nodes = ($one, $two);

sub body {
    my ($node, $domain) = @_;
    return $node->get($PATH, host => "mta-sts.$domain")->{body} // '';
}

sub soon_on_all {
    my ($name, $check) = @_;

    return ok TLSRPT::Server::wait_until(20, sub {
        return @nodes == grep { $check->($_) } @nodes;
    }), $name;
}

sub post {
    my ($node, $domain) = @_;
    return $node->post('/v1/tlsrpt/' . token_of($domain),
                       encode_json(report(domain => $domain)))->{status};
}

enrol($one, 'a.example');
soon_on_all 'a policy', sub { body($_[0], 'a.example') =~ /mode: enforce/ };
enrol($one, 'a.example', mode => 'testing');
soon_on_all 'it changes', sub { body($_[0], 'a.example') =~ /mode: testing/ };

is post($one, 'a.example'), 201, 'a report on one node';
is post($two, 'a.example'), 200, 'is a duplicate on the other';

enrol($one, 'own.example');
soon_on_all 'one that is configured on one node',
    sub { post($_[0], 'own.example') =~ /^20/ };
is $two->post('/v1/tlsrpt', encode_json(report(domain => 'own.example')))
    ->{status}, 200, 'needs no token there';
is $one->post('/v1/tlsrpt', encode_json(report(domain => 'own.example')))
    ->{status}, 403, 'but on the other';
like $two->error_log, qr/"own\.example" is enrolled, and configured/, 'told';
unlike $one->error_log, qr/is enrolled, and configured/, 'not there';

# Redis's clock is two hours behind, so theirs are of no account

$one->move_clock(-7200);
my %taken = (mode => undef, mx => undef, 'max-age' => undef);
enrol($one, 'taken.example', %taken, held => time - 3600);
soon_on_all 'a policy that was taken away, and is held on',
    sub { body($_[0], 'taken.example') =~ /mode: none/ };
$one->move_clock(7200);
enrol($one, 'later.example', %taken, held => time + 9000);
soon_on_all 'likewise', sub { body($_[0], 'later.example') =~ /mode: none/ };
soon_on_all 'until it is over', sub { body($_[0], 'taken.example') !~ /STSv1/ };
enrol($one, 'over.example', %taken, held => time + 3600);
enrol($one, 'last.example');
soon_on_all 'one more', sub { body($_[0], 'last.example') =~ /STSv1/ };
is scalar(grep { body($_, 'over.example') =~ /STSv1/ } @nodes), 0,
    'or what is over, whatever their clocks say';

write_record($one, 'a.example', { left => time });
soon_on_all 'it leaves', sub { body($_[0], 'a.example') !~ /STSv1/ };

ok TLSRPT::Server::wait_until(60, sub { -s $two->dir . '/mine' }),
    'the file is where it was said';

is body($off, 'own.example') =~ /STSv1/, '', 'where it is off: nothing';
is post($off, 'own.example'), 404, 'no token';
is_deeply $off->get('/tlsrpt/health')->{json}{registry}, undef, 'health: null';
unlike $off->get('/tlsrpt/metrics')->{body}, qr/tlsrpt_registry/, 'no metrics';

# One that is turned off and on again by a reload

$two->{http} =~ s/tlsrpt_registry .*/tlsrpt_registry off;/;
$two->write_file('nginx.conf', $two->nginx_conf);
$two->reload;
is $two->get($PATH, host => 'mta-sts.own.example')->{status}, 404,
    'off by a reload';
$two->{http} =~ s/tlsrpt_registry off;/tlsrpt_registry on zone=mine:2m;/;
$two->write_file('nginx.conf', $two->nginx_conf);
$two->reload;
ok TLSRPT::Server::wait_until(20, sub {
    body($two, 'own.example') =~ /STSv1/ }), 'and on';

done_testing;
