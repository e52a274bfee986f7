"""services/broker"""
