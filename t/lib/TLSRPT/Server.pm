# Copyright (C) the tlsrpt authors
# SPDX-License-Identifier: BSD-2-Clause

package TLSRPT::Server;

# An nginx with the module, and a Redis, of one's own, in a temporary
# directory; and a small HTTP client that can also misbehave.  What was started
# is ended by its pid, at the latest when the program ends.

use strict;
use warnings;

use Cwd qw(abs_path);
use Errno qw(EADDRINUSE);
use File::Basename qw(dirname);
use File::Temp ();
use IO::Socket::INET;
use IO::Socket::UNIX;
use JSON::PP ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

my $TOP = abs_path(dirname(__FILE__) . '/../../..');
my %STARTED;                    # pid => 1
my $OWNER = $$;

sub top { return $TOP }


# new(workers => 1, main => '', http => '', server => '', port => PORT,
#     sanitize => LIBRARY, conf => TEXT)
#
# The pieces go into nginx.conf, or conf is all of it; in them %%DIR%%, %%PORT%%
# and %%REDIS%% stand for the directory, the TCP port and the address of the
# Redis.  sanitize: with the module built under the sanitizers, whose library
# this is; 0 where memory is measured.  Nothing is started yet.
sub new {
    my ($class, %args) = @_;

    my $self = bless {
        workers  => 1, main => '', http => '', server => '',
        nginx    => $ENV{TLSRPT_NGINX} || '/usr/sbin/nginx',
        sanitize => $ENV{TLSRPT_SANITIZE},
        %args,
        temp     => File::Temp->newdir('tlsrpt-XXXXXX', TMPDIR => 1),
    }, $class;

    $self->{port} ||= free_port();
    $self->{module} ||= $ENV{TLSRPT_MODULE} || "$TOP/build/"
        . ($self->{sanitize} ? 'nginx-asan/' : '')
        . 'ngx_http_tlsrpt_module.so';
    mkdir "$self->{temp}/logs" or die "mkdir: $!";

    return $self;
}

sub dir  { return "$_[0]{temp}" }
sub port { return $_[0]{port} }

sub redis_socket  { return "$_[0]{temp}/redis.sock" }
sub redis_address { return 'unix:' . $_[0]->redis_socket }

# Below the ports that the kernel gives to clients: none of those, of whatever
# else runs here, takes it before a server of ours listens.
sub free_port {
    for (1 .. 100) {
        my $port = 10240 + int rand 22000;
        return $port if IO::Socket::INET->new(Listen => 1, ReuseAddr => 1,
            LocalAddr => '127.0.0.1', LocalPort => $port);
    }

    die "no free port: $@";
}

# Does nothing listen on the port, or on another one?
sub port_free {
    my ($self, $port) = @_;

    return IO::Socket::INET->new(Listen => 1, ReuseAddr => 1,
        LocalAddr => '127.0.0.1', LocalPort => $port || $self->{port}) ? 1 : 0;
}

sub write_file {
    my ($self, $name, $text) = @_;

    my $path = $name =~ m{^/} ? $name : $self->dir . "/$name";
    open my $fh, '>:raw', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";

    return $path;
}

sub read_file {
    my ($self, $name) = @_;

    my $path = $name =~ m{^/} ? $name : $self->dir . "/$name";
    open my $fh, '<:raw', $path or return '';
    local $/;
    my $text = <$fh>;

    return defined $text ? $text : '';
}


# Processes

# Starts a program; its output goes to a file.  Returns the pid.  It ends with
# us, even where we are killed.
sub spawn {
    my ($self, $output, $env, @command) = @_;

    my $pid = fork();
    die "fork: $!" unless defined $pid;

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP CHLD PIPE);
        setpgrp(0, 0);          # Ctrl-C is for us alone
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', $output;
        open STDERR, '>>', $output;
        local @ENV{keys %$env} = values %$env;
        exec 'setpriv', '--pdeathsig', 'TERM', @command or do {
            print STDERR "setpriv: $!\n";
            POSIX::_exit(127);
        };
    }

    $STARTED{$pid} = 1;

    return $pid;
}

# Waits for the end of a child: its status, or undef.
sub reap {
    my ($pid, $seconds) = @_;

    my $end = time + $seconds;

    for (;;) {
        my $got = waitpid $pid, WNOHANG;

        if ($got == $pid || $got == -1) {
            delete $STARTED{$pid};
            return $got == $pid ? $? : 0;
        }

        return if time > $end;
        sleep 0.01;
    }
}

sub end_process {
    my ($pid, @signals) = @_;

    for my $signal (@signals) {
        kill $signal, $pid;
        my $status = reap($pid, 10);
        return $status if defined $status;
    }

    kill 'KILL', $pid;
    reap($pid, 5);

    return -1;
}

# The name of what ended by itself, if anything did.
sub ended {
    my ($self) = @_;

    for my $name (qw(nginx redis rspamd)) {
        my $pid = $self->{"${name}_pid"} or next;
        return $name if defined reap($pid, 0);
    }

    return;
}

sub wait_until {
    my ($seconds, $check) = @_;

    my $end = time + $seconds;

    until ($check->()) {
        return 0 if time > $end;
        sleep 0.02;
    }

    return 1;
}


# Redis

sub start_redis {
    my ($self, @options) = @_;

    my $socket = $self->redis_socket;
    my $pid = $self->spawn($self->dir . '/redis.log', $self->redis_env,
        '/usr/bin/redis-server', '--port', 0, '--unixsocket', $socket,
        '--unixsocketperm', '700', '--save', '', '--appendonly', 'no',
        '--dir', $self->dir, @options);

    $self->{redis_pid} = $pid;

    wait_until(20, sub {
        die 'redis-server: ' . $self->read_file('redis.log')
            if waitpid($pid, WNOHANG) == $pid;
        return IO::Socket::UNIX->new(Peer => $socket);
    }) or die 'redis-server does not listen';

    return $self;
}

# With moves => 1 Redis's clock can be moved, and with it whatever asks Redis
# what time it is: by so many seconds from the true time.
sub move_clock {
    my ($self, $seconds) = @_;

    my $path = $self->dir . '/clock';
    open my $fh, -e $path ? '+<:raw' : '>:raw', $path or die "$path: $!";
    syswrite $fh, pack 'q', $seconds;
    close $fh;

    return;
}

sub redis_env {
    my ($self) = @_;

    return {} unless $self->{moves};

    my $library = $self->dir . '/clock.so';
    -e $library || system(qw(gcc -O1 -shared -fPIC -o), $library,
                          "$TOP/t/lib/clock.c") == 0 or die 'gcc';
    $self->move_clock(0);

    return { LD_PRELOAD => $library, TLSRPT_CLOCK => $self->dir . '/clock' };
}

sub stop_redis {
    my ($self) = @_;

    my $pid = delete $self->{redis_pid} or return;
    delete $self->{redis};
    end_process($pid, 'TERM');

    return;
}

# One command; a nil is undef, an array a reference, an error dies.
sub redis {
    my ($self, @command) = @_;

    my $socket = $self->{redis} ||=
        IO::Socket::UNIX->new(Peer => $self->redis_socket)
        || die "redis: $!";

    print $socket join '', '*' . @command . "\r\n",
        map { '$' . length($_) . "\r\n$_\r\n" } @command;
    $socket->flush;

    return read_reply($socket);
}

# How many reports of a domain were ever counted.
sub counted {
    my ($self, $domain) = @_;

    my $all = $self->redis('HGET', "tlsrpt:{$domain}", 'all');

    return defined $all ? unpack 'Q<', substr($all, 0, 7) . "\0" : 0;
}

sub read_reply {
    my ($socket) = @_;

    local $/ = "\r\n";
    defined(my $line = <$socket>) or die 'redis closed the connection';
    chomp $line;
    my $type = substr $line, 0, 1, '';

    return $line if $type eq '+' || $type eq ':';
    die "redis: $line" if $type eq '-';
    return undef if $line < 0;      ## no critic (a nil is a value)
    return [map { read_reply($socket) } 1 .. $line] if $type eq '*';

    read($socket, my $bulk, $line + 2) == $line + 2 or die 'redis: cut short';

    return substr $bulk, 0, $line;
}


# nginx

# The configuration, with other pieces than its own ones where given.
sub nginx_conf {
    my ($self, %other) = @_;

    my %piece = (%$self, %other);
    return $self->expand($piece{conf}) if defined $piece{conf};

    my $text = <<"END";
load_module %%MODULE%%;
%%USER%%
daemon off;
pid %%DIR%%/nginx.pid;
error_log %%DIR%%/error.log info;
worker_processes $piece{workers};
worker_shutdown_timeout 10s;
$piece{main}

events {
    worker_connections 1024;
}

http {
    access_log off;
    default_type application/octet-stream;
    client_body_temp_path %%DIR%%/body;
    proxy_temp_path %%DIR%%/proxy;
    fastcgi_temp_path %%DIR%%/fastcgi;
    uwsgi_temp_path %%DIR%%/uwsgi;
    scgi_temp_path %%DIR%%/scgi;
$piece{http}

    server {
        listen unix:%%DIR%%/nginx.sock;
        listen 127.0.0.1:%%PORT%%;
        server_name localhost;
$piece{server}
    }
}
END

    return $self->expand($text);
}

sub expand {
    my ($self, $text) = @_;

    my %value = (
        DIR    => $self->dir,
        PORT   => $self->{port},
        REDIS  => $self->redis_address,
        MODULE => $self->{module},
        USER   => $> == 0 ? 'user root;' : '',
        RUN    => "$TOP/run",
    );
    $text =~ s/%%(DIR|PORT|REDIS|MODULE|USER|RUN)%%/$value{$1}/g;

    return $text;
}

sub nginx_command {
    my ($self, $name, @more) = @_;

    my $dir = $self->dir;

    return ($self->{nginx}, '-p', $dir, '-c', "$dir/$name.conf",
            '-e', "$dir/$name-start.log", @more);
}

sub nginx_env {
    my ($self) = @_;

    # preload: a library of the test's own
    my $preload = join ':', grep { $_ } @$self{qw(sanitize preload)};

    return $preload ? { LD_PRELOAD => $preload } : {} unless $self->{sanitize};

    return {
        LD_PRELOAD    => $preload,
        ASAN_OPTIONS  => 'quarantine_size_mb=16',
        LSAN_OPTIONS  => "suppressions=$TOP/t/lib/lsan.supp"
                         . ':print_suppressions=0',
        UBSAN_OPTIONS => 'print_stacktrace=1',
    };
}

# nginx -t, with the pieces given in place of its own: whether the
# configuration is good, and what was said.
sub nginx_test {
    my ($self, %other) = @_;

    $self->write_file('test.conf', $self->nginx_conf(%other));
    my $output = $self->dir . '/test.out';
    unlink $output;
    my $status = reap($self->spawn($output, $self->nginx_env,
                                   $self->nginx_command('test', '-t')), 20);

    return (defined $status && $status == 0, $self->read_file('test.out'));
}

sub start_nginx {
    my ($self) = @_;

    $self->write_file('nginx.conf', $self->nginx_conf);
    my $pid = $self->{nginx_pid} = $self->spawn($self->dir . '/nginx.out',
        $self->nginx_env, $self->nginx_command('nginx'));

    wait_until(20, sub {
        if (waitpid($pid, WNOHANG) == $pid) {
            delete $STARTED{$pid};
            delete $self->{nginx_pid};
            die 'nginx: ' . $self->read_file('nginx.out');
        }
        return $self->workers == $self->{workers}
            && IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                     PeerPort => $self->{port});
    }) or die 'nginx does not listen';

    return $self;
}

# Alerts that match one of these are what a test wants: each must be in the log
# when nginx stops.
sub wants_alerts {
    my ($self, @patterns) = @_;

    push @{ $self->{wanted} }, @patterns;

    return;
}

# Ends nginx gracefully; what its logs hold that they must not, '' if nothing.
sub stop_nginx {
    my ($self, $signal) = @_;

    my $pid = delete $self->{nginx_pid} or return '';
    my $status = end_process($pid, $signal || 'QUIT', 'TERM');
    my @bad = grep {
        /\[(?:alert|emerg|crit)\]|Sanitizer|runtime error:/
    } split /^/, join '', map { $self->read_file($_) }
        qw(error.log nginx.out nginx-start.log);

    for my $pattern (@{ $self->{wanted} || [] }) {
        my @rest = grep { !/$pattern/ } @bad;
        push @rest, "no alert like $pattern\n" if @rest == @bad;
        @bad = @rest;
    }

    push @bad, "nginx ended with status $status\n" if $status != 0;

    return join '', @bad;
}

sub nginx_pid { return $_[0]{nginx_pid} }

sub workers {
    my ($self) = @_;

    my $pid = $self->{nginx_pid} or return;
    my @children = split ' ', $self->read_file("/proc/$pid/task/$pid/children");

    return grep {
        $self->read_file("/proc/$_/cmdline") =~ /^nginx: worker process(?!.*shutting)/
    } @children;
}

# SIGHUP, until the new workers are there and the old ones at most finish what
# they had begun.
sub reload {
    my ($self) = @_;

    my %old = map { $_ => 1 } $self->workers;
    kill 'HUP', $self->{nginx_pid};

    return wait_until(20, sub {
        my @now = $self->workers;
        return @now == $self->{workers} && !grep { $old{$_} } @now;
    }) || die 'nginx does not reload: ' . $self->read_file('error.log');
}

# Resident memory of the workers, together, in bytes.
sub rss {
    my ($self) = @_;

    my $sum = 0;
    for my $pid ($self->workers) {
        $self->read_file("/proc/$pid/status") =~ /^VmRSS:\s+(\d+) kB/m
            and $sum += 1024 * $1;
    }

    return $sum;
}

sub error_log { return $_[0]->read_file('error.log') }


# HTTP

# request(METHOD, PATH, host => NAME, headers => [NAME => VALUE, ...],
#         body => BYTES | chunks => [BYTES, ...], delay => SECONDS between the
#         chunks, tcp => 1, timeout => 30)
#
# The answer: {status, headers => {lower-case name => value}, body, json}.
sub request {
    my ($self, $method, $path, %opt) = @_;

    my @headers = @{ $opt{headers} || [] };
    unshift @headers, Host => $opt{host} || 'localhost', Connection => 'close';

    my $body = $opt{body};
    if ($opt{chunks}) {
        push @headers, 'Transfer-Encoding' => 'chunked';
    } elsif (defined $body) {
        push @headers, 'Content-Length' => length $body;
    }

    my $head = "$method $path HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $head .= "$name: $value\r\n";
    }

    my @pieces = ("$head\r\n" . (defined $body ? $body : ''));
    if ($opt{chunks}) {
        push @pieces, map { sprintf "%x\r\n%s\r\n", length $_, $_ }
            grep { length } @{ $opt{chunks} };
        push @pieces, "0\r\n\r\n";
    }

    return $self->raw(\@pieces, %opt, head => $method eq 'HEAD');
}

sub get  { my ($self, @args) = @_; return $self->request('GET', @args) }

sub post {
    my ($self, $path, $body, %opt) = @_;

    return $self->request('POST', $path, body => $body, %opt);
}

# A connection to send and receive by hand.
sub connection {
    my ($self, %opt) = @_;

    my $socket = $opt{tcp} || defined $self->{conf}
        ? IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                PeerPort => $self->{port})
        : IO::Socket::UNIX->new(Peer => $self->dir . '/nginx.sock');

    return $socket || die "connect: $!";
}

# Sends the pieces as they are, then reads one answer.  cut: closes instead.
sub raw {
    my ($self, $pieces, %opt) = @_;

    my $socket = $self->connection(%opt);
    local $SIG{PIPE} = 'IGNORE';    # it may answer, and close, early

    for my $i (0 .. $#$pieces) {
        sleep $opt{delay} if $i && $opt{delay};
        print $socket $pieces->[$i] or last;
        $socket->flush or last;
    }

    return if $opt{cut};

    return read_answer($socket, %opt);
}

# The answer that comes on a connection; 100 (Continue) ones are counted.
sub read_answer {
    my ($socket, %opt) = @_;

    local $SIG{ALRM} = sub { die "no answer in time\n" };
    alarm($opt{timeout} || 30);

    my %answer = (continues => 0);

    for (;;) {
        my @lines = read_head($socket);
        my $line = shift @lines;
        alarm(0), return unless defined $line;

        $line =~ m{^HTTP/1\.[01] (\d+)} or die "no status line: $line";
        $answer{status} = $1;
        $answer{continues}++, next if $1 == 100;

        for (@lines) {
            /^([^:]+):\s*(.*?)\s*$/ or die "no header: $_";
            $answer{headers}{lc $1} = $2;
        }
        last;
    }

    $answer{body} = $opt{head} || $answer{status} =~ /^(?:204|304)$/
        ? '' : read_body($socket, $answer{headers});
    alarm(0);

    if (($answer{headers}{'content-type'} || '') =~ m{^application/(?:\w+\+)?json}
        && length $answer{body} && !$answer{headers}{'content-encoding'})
    {
        $answer{json} = JSON::PP->new->utf8->decode($answer{body});
    }

    return \%answer;
}

sub read_head {
    my ($socket) = @_;

    local $/ = "\r\n";
    my @lines;

    while (defined(my $line = <$socket>)) {
        chomp $line;
        return @lines if $line eq '';
        push @lines, $line;
    }

    return;
}

sub read_body {
    my ($socket, $headers) = @_;

    if (($headers->{'transfer-encoding'} || '') eq 'chunked') {
        local $/ = "\r\n";
        my $body = '';

        while (defined(my $size = <$socket>)) {
            chomp $size;
            my $n = hex $size;
            read($socket, my $chunk, $n + 2) == $n + 2 or die 'chunk cut short';
            return $body if $n == 0;
            $body .= substr $chunk, 0, $n;
        }
        die 'chunked body cut short';
    }

    my $length = $headers->{'content-length'};

    if (defined $length) {
        my $got = read($socket, my $body, $length);
        die 'body cut short' if $got != $length;
        return $body;
    }

    local $/;
    my $body = <$socket>;

    return defined $body ? $body : '';
}


sub stop {
    my ($self) = @_;

    my $bad = $self->stop_nginx;
    $self->stop_redis;

    return $bad;
}

sub DESTROY {
    my ($self) = @_;

    return if ${^GLOBAL_PHASE} eq 'DESTRUCT';   # END has been here
    local ($?, $@, $!);
    $self->stop if $$ == $OWNER;

    return;
}

END {
    if ($$ == $OWNER) {
        local $?;
        end_process($_, 'TERM') for keys %STARTED;
    }
}

1;
