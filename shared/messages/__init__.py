"""shared/messages"""
