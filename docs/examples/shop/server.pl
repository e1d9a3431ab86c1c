#!/usr/bin/perl
# An application that is not this project's sample: a server in Perl with a log of plain text, which
# is slow to start, counts its answers in /tmp and needs a secret.
use strict;
use warnings;
use IO::Socket::INET;

local $| = 1;
$SIG{TERM} = sub { print "stopping\n"; exit 0 };
$SIG{CHLD} = 'IGNORE';

my $key  = $ENV{API_KEY} or die "API_KEY is not set\n";
my $port = $ENV{PORT} || 8080;

print "filling the cache, which takes a while\n";
sleep 33;

my $server = IO::Socket::INET->new(LocalPort => $port, Listen => 128, ReuseAddr => 1)
    or die "can't listen on port $port: $!\n";
print "listening on port $port\n";

while (1) {
    my $client = $server->accept or next;
    defined(my $child = fork) or next;
    next if $child;
    $SIG{TERM} = 'DEFAULT';
    answer($client);
    exit 0;
}

sub answer {
    my ($client) = @_;
    my $request = <$client> // exit 0;
    while (defined(my $header = <$client>)) { last if $header =~ /^\r?\n$/ }
    my $body = "Hello from the shop!\nanswers: " . counted() . "\nkey: " . length($key) . " letters\n";
    print $client "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n",
        'Content-Length: ', length $body, "\r\n\r\n", $body;
    $request =~ s/\s+$//;
    print "200 $request\n";
}

sub counted {
    open my $file, '>>', '/tmp/answers' or die "can't write to /tmp: $!\n";
    syswrite $file, '.';
    return -s $file;
}
